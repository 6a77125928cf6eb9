/** A list of float32 that doubles when full: 4 bytes a number instead of a JavaScript array's 8 and more. */
export class GrowingFloats {
  #data = new Float32Array(1024);
  #length = 0;

  push(value: number): void {
    if (this.#length === this.#data.length) {
      const larger = new Float32Array(2 * this.#data.length);
      larger.set(this.#data);
      this.#data = larger;
    }
    this.#data[this.#length++] = value;
  }

  /** Valid until the next `push`. */
  view(): Float32Array {
    return this.#data.subarray(0, this.#length);
  }
}
