internal import ArgumentParser
internal import CentramModel

extension ModelCommand {
  struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "bench", abstract: "Measures how fast a model runs on this machine.",
      discussion: "Times are the best of the repetitions. Compare numbers of one machine and one hour only; the load average says how busy it was.")
    @Argument(help: "A model's name or path.", completion: .file()) var model: String
    @OptionGroup var options: StoreOptions
    @Option(help: "exact (float32 activations) or int8 (activations rounded to 8 bits).") var profile = ProfileName.exact
    @Option(help: ArgumentHelp("Threads.", valueName: "count")) var threads = 2
    @Option(help: ArgumentHelp("Tokens of the prompt that is timed.", valueName: "count")) var prompt = 256
    @Option(help: ArgumentHelp("Tokens that are generated after it.", valueName: "count")) var tokens = 32
    @Option(name: .customLong("repeat"), help: ArgumentHelp("Repetitions.", valueName: "count")) var repetitions = 3
    @Flag(help: "Print JSON.") var json = false

    enum ProfileName: String, ExpressibleByArgument, CaseIterable {
      case exact, int8
      var profile: NumericProfile { self == .exact ? .exact : .int8 }
    }

    func validate() throws {
      for (name, value, most) in [("threads", threads, Engine.maximumThreads), ("prompt", prompt, 1 << 20), ("tokens", tokens, 1 << 20), ("repeat", repetitions, 1000)]
      where !(1...most).contains(value) {
        throw ValidationError("--\(name) \(value); 1 to \(most) are possible")
      }
    }

    func run() throws {
      try Terminal.reporting {
        let path = try options.store().location(model)
        let result = try ModelMeasurement(path: path, profile: profile.profile, threads: threads, prompt: prompt, tokens: tokens, repetitions: repetitions)
        if json { return try Terminal.printJSON(result) }
        print("\(path), profile \(result.profile), \(Terminal.count(threads, "thread")), best of \(repetitions), load average \(Self.decimal(result.loadAverage))")
        print("prefill      \(Self.decimal(result.prefillTokensPerSecond)) tokens a second over \(prompt)")
        print("decode       \(Self.decimal(result.decodeTokensPerSecond)) tokens a second over \(tokens)")
        print(
          "first token  \(Self.decimal(result.firstTokenSeconds * 1000)) ms after \(result.firstPromptTokens), \(Self.decimal(result.loadSeconds * 1000)) ms of it to open the model"
        )
        print("memory       \(Terminal.bytes(result.peakResidentBytes)) resident at most, mapped weights among it")
      }
    }

    private static func decimal(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }
  }
}
