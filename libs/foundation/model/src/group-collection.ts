import type { GroupSpec, TensorSpec } from "@latentweave/parameters";

/** Parameter groups in the order in which they are first met. A group without tensors is none. */
export class GroupCollection {
  readonly #tensors = new Map<string, Map<string, TensorSpec>>();

  /** Meeting a tensor again (a shared layer, a later phase) is fine: same layer, same input shape, same tensor. */
  add(group: string, tensor: TensorSpec): void {
    const tensors = this.#tensors.get(group) ?? new Map<string, TensorSpec>();
    this.#tensors.set(group, tensors);
    if (!tensors.has(tensor.name)) tensors.set(tensor.name, tensor);
  }

  /** All that was met. */
  *tensors(): Generator<{ readonly group: string; readonly tensor: TensorSpec }> {
    for (const [group, tensors] of this.#tensors)
      for (const tensor of tensors.values()) yield { group, tensor };
  }

  /** @param tasksOf which tasks' losses depend on the group, in any phase; groups that none needs are left out */
  specs(tasksOf: (group: string) => readonly string[]): readonly GroupSpec[] {
    return [...this.#tensors].flatMap(([name, tensors]): GroupSpec[] => {
      const tasks = tasksOf(name);
      return tasks.length === 0 ? [] : [{ name, tasks, tensors: [...tensors.values()] }];
    });
  }
}
