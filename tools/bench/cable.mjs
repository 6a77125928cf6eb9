/** Two network namespaces and a cable between them that carries so many bits a second, each way. Root and iproute2 only. */
import { execFileSync } from "node:child_process";

export function createCable(bitsPerSecond) {
  const tag = `lwb${process.pid % 10_000}`;
  const ip = (...args) => execFileSync("ip", args);
  const end = (side, address) => ({
    name: `${tag}${side}`,
    cable: `${tag}v${side}`,
    address,
    prefix: ["ip", "netns", "exec", `${tag}${side}`],
  });
  const net = `10.${100 + (process.pid % 100)}.77`;
  const [near, far] = [end("a", `${net}.1`), end("b", `${net}.2`)];
  for (const { name } of [near, far]) ip("netns", "add", name);
  ip(
    ...["link", "add", near.cable, "netns", near.name],
    ...["type", "veth", "peer", "name", far.cable, "netns", far.name],
  );
  for (const { name, cable, address } of [near, far]) {
    ip("-n", name, "addr", "add", `${address}/24`, "dev", cable);
    ip("-n", name, "link", "set", "lo", "up");
    ip("-n", name, "link", "set", cable, "up");
    const rate = ["rate", `${bitsPerSecond}bit`, "burst", "128kb", "latency", "50ms"];
    execFileSync("tc", ["-n", name, "qdisc", "add", "dev", cable, "root", "tbf", ...rate]);
  }
  return {
    near,
    far,
    down() {
      for (const { name } of [near, far]) ip("netns", "del", name);
    },
  };
}
