// Answers test vectors that `bptt-oracle vectors DIR` has written: node backprop.mjs DIR answers.json
//
// It reads nothing but the inputs in the JSON files. The backward pass is on purpose short and plain: a network of any
// depth, tanh, columns, J the mean over t and over the batch. With `--missing-transpose` at the end, H is not
// transposed on the way back through time, the most common mistake of all.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const zeros = (...shape) => Array.from({ length: shape[0] }, () => (shape.length > 1 ? zeros(...shape.slice(1)) : 0));
const times = (A, v) => A.map((row) => row.reduce((sum, a, j) => sum + a * v[j], 0));
const transposed = (A) => A[0].map((_, j) => A.map((row) => row[j]));
const plus = (u, v) => u.map((a, j) => a + v[j]);

function backprop({ n, T, B, d, params, x, y, h0 }, carry) {
  const grads = params.map((layer, l) => ({
    ...(layer.H && { H: zeros(d[l + 1], d[l + 1]) }),
    W: zeros(d[l + 1], d[l]),
    b: zeros(d[l + 1]),
  }));
  const add = (into, delta, h) => into.forEach((row, j) => h.forEach((value, k) => (row[k] += delta[j] * value)));
  let loss = 0;
  for (let s = 0; s < B; s++) {
    // h[t][l] is h^(l)(t), with h[t][0] = x^(t); the states before the first step are in h[0]
    const h = [[null, ...h0.map((state) => state[s])]];
    const errors = [];
    for (let t = 1; t <= T; t++) {
      h.push([x[t - 1][s]]);
      for (let l = 1; l < n; l++) {
        const { H, W, b } = params[l - 1];
        h[t].push(plus(plus(times(W, h[t][l - 1]), times(H, h[t - 1][l])), b).map(Math.tanh));
      }
      const z = plus(times(params[n - 1].W, h[t][n - 1]), params[n - 1].b);
      const largest = Math.max(...z);
      const e = z.map((each) => Math.exp(each - largest));
      const total = e.reduce((sum, each) => sum + each, 0);
      const k = y[t - 1][s];
      loss += (Math.log(total) + largest - z[k]) / (T * B);
      errors.push(e.map((each, j) => (each / total - (j === k)) / (T * B)));
    }
    const carried = d.map((width) => zeros(width)); // by layer, what step t + 1 hands back
    for (let t = T; t >= 1; t--) {
      let delta = errors[t - 1];
      for (let l = n; l >= 1; l--) {
        if (l < n) {
          const arriving = plus(times(transposed(params[l].W), delta), carried[l]);
          delta = arriving.map((each, j) => each * (1 - h[t][l][j] ** 2));
          add(grads[l - 1].H, delta, h[t - 1][l]);
          carried[l] = times(carry(params[l - 1].H), delta);
        }
        add(grads[l - 1].W, delta, h[t][l - 1]);
        grads[l - 1].b = plus(grads[l - 1].b, delta);
      }
    }
  }
  return { loss, grads };
}

const [folder, out, flag] = process.argv.slice(2);
if (out === undefined || (flag !== undefined && flag !== "--missing-transpose")) {
  console.error("usage: node backprop.mjs DIR answers.json [--missing-transpose]");
  process.exit(2);
}
const read = (name) => JSON.parse(readFileSync(join(folder, name), "utf8"));
const index = read("vectors.json");
const answers = {};
for (const { id } of index.vectors) {
  answers[id] = backprop(read(`${id}.json`), flag ? (H) => H : transposed);
}
const { seed, conventions } = index;
writeFileSync(out, JSON.stringify({ format: "bptt-oracle answers", version: 1, seed, conventions, answers }));
