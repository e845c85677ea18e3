// Unpack Chromium, and the libraries that a bare machine lacks, into TMPDIR.
import { join } from "node:path";
import { inflate } from "@sparticuz/chromium";

const packed = join(import.meta.dirname, "node_modules", "@sparticuz", "chromium", "bin");
for (const name of ["chromium.br", "swiftshader.tar.br", "al2023.tar.br"]) {
  await inflate(join(packed, name));
}
