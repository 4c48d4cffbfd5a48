// Checks manifests of the Prometheus operator by the operator's own schemas: JSON, one in a line, on standard input. The
// argument is where npm has installed @kubernetes-models/prometheus-operator.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const models = resolve(process.argv[2], "node_modules/@kubernetes-models/prometheus-operator");
for (const line of readFileSync(0, "utf8").trim().split("\n")) {
  const manifest = JSON.parse(line);
  const { [manifest.kind]: Model } = await import(pathToFileURL(`${models}/${manifest.apiVersion}/${manifest.kind}.js`));
  new Model(manifest).validate();
  console.log(`${manifest.kind} ${manifest.metadata.name} fits`);
}
