// Compares pairs of templates, one JSON line each, as the CDK CLI does; prints one JSON line for each pair.
import { createInterface } from "node:readline";
import { fullDiff, ResourceImpact } from "@aws-cdk/cloudformation-diff";

const ANSWERS = {
  [ResourceImpact.WILL_REPLACE]: "yes",
  [ResourceImpact.MAY_REPLACE]: "may",
};

for await (const line of createInterface({ input: process.stdin })) {
  const [before, after] = JSON.parse(line);
  const found = {};
  fullDiff(before, after).resources.forEachDifference((logicalId, change) => {
    const answer = ANSWERS[change.changeImpact];
    if (answer) {
      const properties = Object.entries(change.propertyUpdates);
      found[logicalId] = [answer, properties.filter(([, of]) => ANSWERS[of.changeImpact]).map(([name]) => name)];
    }
  });
  console.log(JSON.stringify(found));
}
