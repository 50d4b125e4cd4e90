internal import ArgumentParser
internal import CentramModel
internal import CentramNode
internal import Foundation

struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate", abstract: "Measures how well a model foretells texts: perplexity, and nats a token and a byte.",
    discussion: """
      A text is cut into windows of --window tokens, one after the other; in each, every token after the first --skip is scored by what \
      stands before it in that window. --skip 1 scores all that can be. llama.cpp's perplexity scores the second half: --window 512 --skip 257, \
      and leaves out a shorter last window.
      """)
  @Argument(help: "A model's name or path.", completion: .file()) var model: String
  @Argument(help: "Texts: files, or folders of files. Files that are not UTF-8 are left out.", completion: .file()) var texts: [String]
  @Option(name: .customLong("adapter"), help: ArgumentHelp("An adapter to measure beside the base. May be given again; each is measured alone.", valueName: "adapter[:scale]"))
  var adapters: [String] = []
  @OptionGroup var mixture: MixtureOptions
  @OptionGroup var evolved: EvolvedOptions
  @Option(help: "Tokens of a window.") var window: Int?
  @Option(help: "Tokens at the beginning of a window that are not scored, at least 1.") var skip = 1
  @OptionGroup var options: RunOptions
  @Flag(help: "Print JSON.") var json = false
  @Flag(help: "No progress.") var quiet = false

  private struct Report: Encodable {
    let model: String, profile: String, window: Int, skip: Int, texts: Int, scores: [Evaluation.Score]
  }

  func run() throws {
    Interrupt.watch()
    try Terminal.reporting {
      let loaded = try options.load(model)
      var voices = [Evaluation.Voice(name: "base", adapters: [])]
      for name in adapters { voices.append(.init(name: name, adapters: try options.adapters([name], of: loaded))) }
      var experts = try mixture.experts(loaded, location: options.location), priors = try mixture.priors()
      switch try evolved.model(loaded) {
      case nil: break
      case .adapters(let adapters)?: voices.append(.init(name: "evolved", adapters: adapters))
      case .mixture? where experts != nil: throw GenerationError(.parameter, "--evolved is a mixture here, so it goes without --mixture")
      case .mixture(let known, let weights)?: (experts, priors) = (known, weights)
      }
      for expert in experts ?? [] where !voices.contains(where: { $0.name == expert.name }) { voices.append(.init(name: expert.name, adapters: expert.adapters)) }
      let places = experts?.map { expert in voices.firstIndex { $0.name == expert.name }! }
      let mixed = places.map { Evaluation.Mixture(experts: $0, priors: priors, keptExperts: mixture.keptExperts) }
      let context = loaded.model.configuration.usableContext
      var evaluation = try Evaluation(
        engine: loaded.engine, tokenizer: loaded.tokenizer, voices: voices, mixture: mixed, window: window ?? min(512, context), skip: skip)
      let texts = try read().map { evaluation.windows($0) }
      let total = texts.reduce(0) { $0 + $1.reduce(0) { $0 + $1.count } }
      let line = StepLine("tokens", isShown: !quiet)
      defer { line.finish() }
      var done = 0
      for windows in texts {
        let isWhole = try evaluation.add(windows) { count in
          done += count
          line.show(done, of: total)
        } isCancelled: {
          Interrupt.isRequested
        }
        guard isWhole else { throw MergeError(.cancelled, "interrupted; nothing was measured") }
      }
      line.finish()
      guard evaluation.scores[0].tokens > 0 else { throw GenerationError(.parameter, "no token to score: the texts are shorter than \(skip + 1) tokens") }
      if json {
        return try Terminal.printJSON(
          Report(model: loaded.model.path, profile: options.profile.numeric.id, window: evaluation.window, skip: skip, texts: texts.count, scores: evaluation.scores))
      }
      show(evaluation.scores)
    }
  }

  private func show(_ scores: [Evaluation.Score]) {
    let width = max(7, scores.map(\.name.count).max() ?? 0)
    func row(_ name: String, _ cells: String...) {
      print(name.padding(toLength: width, withPad: " ", startingAt: 0) + cells.map { String(repeating: " ", count: max(1, 13 - $0.count)) + $0 }.joined())
    }
    row("", "perplexity", "nats/token", "nats/byte", "tokens", "bytes")
    for score in scores {
      row(
        score.name, String(format: "%.4f", score.perplexity), String(format: "%.5f", score.natsPerToken), String(format: "%.5f", score.natsPerByte), "\(score.tokens)",
        "\(score.bytes)")
    }
    for score in scores {
      guard let weights = score.responsibilities else { continue }
      print("\nmean weights of the mixture: " + weights.sorted { $0.key < $1.key }.map { "\($0.key) \(String(format: "%.3f", $0.value))" }.joined(separator: ", "))
    }
  }

  /// The texts, in the order of their names in a folder.
  private func read() throws -> [String] {
    var files: [String] = []
    for path in texts {
      var isFolder: ObjCBool = false
      guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else { throw ModelFileError(.unreadable, "\(path): there is no such file or folder") }
      let inside = isFolder.boolValue ? try FileManager.default.subpathsOfDirectory(atPath: path).sorted().map { "\(path)/\($0)" } : [path]
      files += inside.filter { FileManager.default.fileExists(atPath: $0, isDirectory: &isFolder) && !isFolder.boolValue }
    }
    return try files.compactMap { file in
      guard let data = FileManager.default.contents(atPath: file) else { throw ModelFileError(.unreadable, "\(file): cannot be read") }
      guard let text = String(validating: data, as: UTF8.self) else {
        Terminal.note("warning: \(file): not UTF-8, left out")
        return nil
      }
      return text
    }
  }
}
