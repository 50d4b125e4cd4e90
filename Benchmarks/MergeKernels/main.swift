// centram-merge-bench METHOD [elements=N] [row=N] [inputs=2] [threads=2] [block=16384] [files=DIR] [PARAMETER=VALUE]
//
// Runs one merge operator through the node's driver and prints what it costs: ns of CPU time an element of output, CPU
// seconds, and the most heap in use above what the inputs take. Without `files` it makes random bfloat16 tensors; with
// it, it merges the checkpoints DIR/base, DIR/a, DIR/b, … into DIR/bench-out.

import CentramModel
import CentramNode
import CentramPluginAPI
import CentramPluginTesting
import Foundation

var options: [String: String] = [:]
for argument in CommandLine.arguments.dropFirst(2) {
  let parts = argument.split(separator: "=", maxSplits: 1)
  options[String(parts[0])] = parts.count > 1 ? String(parts[1]) : ""
}
guard CommandLine.arguments.count > 1, let bench = Method(CommandLine.arguments[1]) else {
  print("usage: centram-merge-bench METHOD [elements=N] [row=N] [inputs=2] [threads=2] [block=16384] [files=DIR] [PARAMETER=VALUE]")
  print("methods: \(Method.names.joined(separator: " "))")
  exit(2)
}
let pool = WorkerPool(workers: Int(options["threads"] ?? "") ?? 2)
let block = Int(options["block"] ?? "") ?? BlockDriver.blockSize
let inputs = Int(options["inputs"] ?? "") ?? bench.usualInputs
let work: [Tensor] =
  if let folder = options["files"] {
    try checkpoint(folder, inputs: inputs, hasBase: bench.hasBase)
  } else {
    [
      synthetic(
        count: Int(options["elements"] ?? "") ?? 16 << 20, row: Int(options["row"] ?? "") ?? 896, inputs: inputs + (bench.hasBase ? 1 : 0))
    ]
  }

let meter = Meter()
var elements = 0
for tensor in work {
  let driver = BlockDriver(shape: tensor.shape, sources: tensor.sources, sink: tensor.sink, pool: pool, blockSize: block)
  let models = tensor.sources.count
  try bench.operation.merge(
    MergeRequest(
      tensor: tensor.name, shape: tensor.shape, models: (0..<models).map { "model\($0)" }, baseIndex: bench.hasBase ? 0 : nil,
      parameters: bench.parameters(models: models, options), seed: 1, driver: driver))
  elements += tensor.shape.reduce(1, *)
}
print(meter.report(bench.name, elements: elements))
