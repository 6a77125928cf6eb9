import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Certificate } from "./certificate.ts";
import { certificateHtml } from "./certificate-html.ts";

/** Writes certificate.json and certificate.html. @returns the page's file */
export async function writeCertificate(certificate: Certificate, folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const page = path.join(folder, "certificate.html");
  await writeFile(path.join(folder, "certificate.json"), `${JSON.stringify(certificate, undefined, 2)}\n`);
  await writeFile(page, certificateHtml(certificate));
  return page;
}
