// Asking until there is an answer: what is refused for now is asked again, what is refused for good is not.

import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { newScope } from "../../frontend/js/scope.js";
import { patient } from "../../frontend/js/transcript/patient.js";

const settled = () => new Promise((done) => setImmediate(done));

test("a refusal that passes is asked again until there is an answer, and not once the view is left", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const told = [];
  const refuse = () => Promise.reject({ retryable: true });
  const answers = [refuse, refuse, async () => "peaks"];
  const scope = newScope();
  patient(scope, () => answers.shift()(), (answer) => told.push(answer));
  for (let at = 0; at < 2; at++) {
    await settled();
    mock.timers.tick(4_000);
  }
  await settled();
  assert.deepEqual(told, ["peaks"]);

  let asked = 0;
  const ask = (retryable) => () => ((asked += 1), Promise.reject({ retryable }));
  patient(scope, ask(false), () => {});
  await settled();
  patient(scope, ask(true), () => {});
  scope.dispose();
  await settled();
  mock.timers.tick(60_000);
  assert.equal(asked, 2);
  mock.timers.reset();
});
