import CentramModel
import CentramPluginAPI
import CentramTrainingSupport
import Foundation

/// Trains a model on tokens that count up, and prints the best step's tokens a second:
///   centram-training-bench MODEL full|lora RANK BATCH LENGTH STEPS THREADS [SHARDS] [BUDGET]
let arguments = CommandLine.arguments
func number(_ index: Int, _ fallback: Int) -> Int { arguments.count > index ? Int(arguments[index]) ?? fallback : fallback }
guard arguments.count > 2, ["full", "lora"].contains(arguments[2]) else {
  print("usage: centram-training-bench MODEL full|lora RANK BATCH LENGTH STEPS THREADS [SHARDS] [BUDGET]")
  exit(2)
}
let (rank, batch, length, steps, threads) = (number(3, 16), number(4, 8), number(5, 128), number(6, 20), number(7, 2))
let files = try ModelFiles(path: arguments[1])
var options = TrainingEngine.Options(threads: threads, shards: arguments.count > 8 ? number(8, 1) : nil)
if arguments.count > 9 { options.activationBudget = number(9, 1 << 30) }
let method: TrainingMethod = arguments[2] == "full" ? .full : .lora(LoRAConfiguration(rank: rank, alpha: Double(2 * rank)))
let engine = try TrainingEngine(configuration: files.configuration, weights: files.weights, method: method, options: options)
// As the node lends them to a trainer.
let tensors = engine.tensors.filter(\.isTrained).map {
  TrainableTensor(
    name: $0.name, shape: $0.shape, values: UnsafeMutableBufferPointer(start: $0.values, count: $0.count),
    gradient: UnsafeMutableBufferPointer(start: $0.gradients, count: $0.count))
}
var optimizer = AdamW(.init(), counts: tensors.map(\.values.count))
let symbols = min(256, files.configuration.vocabulary)
var (inputs, targets): ([Int32], [Int32]) = ([], [])
for row in 0..<batch {
  for position in 0..<length {
    inputs.append(Int32((row * 37 + position) % symbols))
    targets.append(Int32((row * 37 + position + 1) % symbols))
  }
}
var (best, least, first, last) = (Double.infinity, Double.infinity, 0.0, 0.0)
for step in 0..<steps {
  let cpu = clock()
  let start = DispatchTime.now().uptimeNanoseconds
  Gradients.zero(tensors)
  let pass = try engine.accumulate(inputs: inputs, targets: targets, batch: batch, length: length)
  Gradients.scale(tensors, by: 1 / Double(pass.counted))
  optimizer.update(tensors, learningRate: 1e-3)
  best = min(best, Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9)
  least = min(least, Double(clock() - cpu) / Double(CLOCKS_PER_SEC))
  if step == 0 { first = pass.meanLoss }
  last = pass.meanLoss
}
print(String(format: "%.0f tokens/s, %.2f ms a step, %.2f ms of CPU, loss %.4f to %.4f", Double(batch * length) / best, best * 1e3, least * 1e3, first, last))
