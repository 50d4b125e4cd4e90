internal import ArgumentParser
internal import CentramModel
internal import CentramNode
internal import Foundation

/// What is trained, and on what.
struct TrainInput: ParsableArguments {
  @Option(help: ArgumentHelp("The model: a name of the store, a folder or a GGUF file.", valueName: "model")) var model: String?
  @Option(help: ArgumentHelp("A folder with train.jsonl and valid.jsonl, a folder of texts, or one file.", valueName: "path")) var data: String?
  @Option(help: ArgumentHelp("Train a new model of a family instead: gpt-byte.", valueName: "family")) var fromScratch: String?
  @Option(help: ArgumentHelp("A trainer's id or short name. Default: trainer.lora.", valueName: "id")) var trainer: String?
  @Option(help: ArgumentHelp("mlx-lm's word for the trainer: lora or full.", valueName: "type")) var fineTuneType: String?
  @Option(name: [.customShort("c"), .long], help: ArgumentHelp("A YAML file with mlx-lm's keys; flags go before it.", valueName: "file")) var trainingConfig: String?
  @Option(help: "What order, dropout and start of factors are drawn from. Default: 0; for private training one that nobody knows.") var seed: UInt64?
  @Flag(help: "Do not count the tokens of prompts in the loss.") var maskPrompt = false
  @Flag(help: "Put short records into one row, so that less is computed for nothing.") var pack = false
  @Option(help: ArgumentHelp("Share that is held out where the data has no valid.jsonl. Default: 0.05.", valueName: "share")) var validationShare: Double?
  @Option(
    help: ArgumentHelp(
      "A chat template in the place of the model's own: a file of Jinja, or \(ChatTemplatePreset.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "template"))
  var chatTemplate: String?
  @Option(help: ArgumentHelp("A folder with a PEFT adapter to start from.", valueName: "folder")) var resumeAdapterFile: String?
  @Option(help: ArgumentHelp("What the adapter names as its base. Default: the model's path.", valueName: "name")) var baseName: String?
  @Flag(help: "Write the whole model beside the difference, for trainers that change every weight.") var merged = false
  @Flag(help: ArgumentHelp("Taken as mlx-lm takes it; training is what this command does.", visibility: .hidden)) var train = false

  var isEmpty: Bool {
    model == nil && data == nil && fromScratch == nil && trainer == nil && fineTuneType == nil && trainingConfig == nil && seed == nil && !maskPrompt && !pack
      && validationShare == nil && chatTemplate == nil && resumeAdapterFile == nil && baseName == nil && !merged
  }

  func file() throws -> TrainingFile {
    guard let path = trainingConfig else { return TrainingFile() }
    return try TrainingFile(yaml: Self.text(path), name: path)
  }

  func template() throws -> String? { try chatTemplate.map { try ChatTemplatePreset(rawValue: $0)?.source ?? Self.text($0) } }

  private static func text(_ path: String) throws -> String {
    guard let data = FileManager.default.contents(atPath: path) else { throw TrainingJobError(.configuration, "\(path): cannot be read") }
    guard let text = String(validating: data, as: UTF8.self) else { throw TrainingJobError(.configuration, "\(path): not UTF-8") }
    return text
  }
}

/// Parameters of the trainer, under mlx-lm's names.
struct TrainHyperparameters: ParsableArguments {
  @Option(help: "Steps of the optimiser.") var iters: Int?
  @Option(help: "Passes over the data, in the place of --iters.") var epochs: Double?
  @Option(help: "Sequences a batch.") var batchSize: Int?
  @Option(help: "Batches a step.") var gradAccumulationSteps: Int?
  @Option(help: "Peak of the learning rate.") var learningRate: Double?
  @Option(help: "Layers that get factors, counted from the last; -1: all. Default: all.") var numLayers: Int?
  @Option(help: "Tokens a sequence.") var maxSeqLength: Int?
  @Option(help: "Steps between validations; 0: none.") var stepsPerEval: Int?
  @Option(help: "Batches a validation.") var valBatches: Int?
  @Option(help: "Steps between checkpoints; 0: at the end only.") var saveEvery: Int?
  @Option(name: .customLong("parameter"), help: ArgumentHelp("Any parameter of the trainer. May be given again.", valueName: "key=value")) var more: [String] = []

  var isEmpty: Bool { (try? parameters())?.isEmpty == true && numLayers == nil }

  func parameters() throws -> [String: String] {
    var result: [String: String] = [:]
    func set(_ key: String, _ value: (some CustomStringConvertible)?) { if let value { result[key] = value.description } }
    set("steps", iters)
    set("epochs", epochs)
    set("batch", batchSize)
    set("accumulation", gradAccumulationSteps)
    set("learning_rate", learningRate)
    set("length", maxSeqLength)
    set("validate_every", stepsPerEval)
    set("validation_batches", valBatches)
    set("checkpoint_every", saveEvery)
    for text in more {
      let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, !parts[0].isEmpty else { throw TrainingJobError(.configuration, "--parameter \(text): write key=value, such as rank=16") }
      result[String(parts[0])] = String(parts[1])
    }
    return result
  }
}
