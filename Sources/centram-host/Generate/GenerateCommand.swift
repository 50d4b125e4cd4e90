internal import ArgumentParser
internal import CentramModel
internal import CentramNode
internal import Foundation

struct GenerateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate", abstract: "Writes on after a prompt.",
    discussion: """
      Takes the likeliest token each time, as mlx-lm does, unless --temperature or another sampling option is given; llama.cpp's \
      habit is --temperature 0.8 --top-k 40 --top-p 0.95 --min-p 0.05. Text goes to standard output as it comes, speed to standard error.
      """)
  @Argument(help: "A model's name or path.", completion: .file()) var model: String
  @Option(help: "The prompt.") var prompt: String?
  @Option(help: "A file that holds the prompt. Without it and --prompt, standard input.", completion: .file()) var promptFile: String?
  @Flag(help: "The prompt is a user's message: put it into the model's chat template.") var chat = false
  @Option(help: "The system's message, with --chat.") var system: String?
  @Option(help: ArgumentHelp("A chat template instead of the model's: a file of Jinja, or chatml, llama3, mistral, alpaca, exaone.", valueName: "file"))
  var chatTemplate: String?
  @Flag(help: "Take the text of special tokens in the prompt, as <|im_start|>, for those tokens.") var parseSpecial = false
  @Option(name: .customLong("adapter"), help: ArgumentHelp("An adapter by name or path, and perhaps how much of it. May be given again; all apply.", valueName: "adapter[:scale]"))
  var adapters: [String] = []
  @Option(help: "Most tokens to write.") var maxTokens = 256
  @OptionGroup var sampling: SamplingOptions
  @Option(name: .customLong("stop"), help: "A text that ends the answer. May be given again.") var stops: [String] = []
  @Flag(help: "Go on after the model's end tokens, and show special tokens.") var ignoreEnd = false
  @Option(help: ArgumentHelp("Log-probabilities of each token and of the n likeliest, with --json.", valueName: "n")) var logprobs: Int?
  @Option(help: "A JSON schema that the answer must satisfy.", completion: .file()) var jsonSchema: String?
  @Flag(help: "The answer must be JSON.") var jsonMode = false
  @Option(name: .customShort("n"), help: "How many answers, in one batch.") var count = 1
  @OptionGroup var mixture: MixtureOptions
  @OptionGroup var evolved: EvolvedOptions
  @Option(help: "Most tokens of prompt and answer. Default: the model's context.") var context: Int?
  @OptionGroup var options: RunOptions
  @Flag(help: "Print JSON, when all is done.") var json = false
  @Flag(help: "No speed.") var quiet = false

  func run() throws {
    Interrupt.watch()
    try Terminal.reporting {
      let text = try promptText()
      let loaded = try options.load(model)
      let request = try request(text, loaded)
      let generator = try Generator(engine: loaded.engine, tokenizer: loaded.tokenizer, endTokens: loaded.endTokens, context: context, clock: Clock.seconds)
      var answers = (0..<count).map { Answer(index: $0) }
      var failure: GenerationError?
      let streams = count == 1 && !json
      let handle = try generator.add(request) { event in
        switch event {
        case .token(let token):
          answers[token.index].tokens.append(token)
          if streams { Terminal.write(token.text, to: STDOUT_FILENO) }
        case .finished(let result):
          answers[result.index].result = result
          if streams { Terminal.write(result.rest + "\n", to: STDOUT_FILENO) }
        case .failed(_, let error): failure = error
        }
      }
      while !generator.isIdle {
        if Interrupt.isRequested { generator.cancel(handle) }
        try generator.step()
      }
      if let failure {
        if streams { Terminal.write("\n", to: STDOUT_FILENO) }
        throw failure
      }
      if let experts = request.mixture?.experts { try evolved.record(answers.compactMap(\.result), experts) }
      if !Interrupt.isRequested { evolved.count(text, loaded, path: try options.location(model)) }
      try show(answers, request, loaded)
      if Interrupt.isRequested { throw ExitCode(130) }
    }
  }

  private func promptText() throws -> String {
    guard prompt == nil || promptFile == nil else { throw GenerationError(.parameter, "--prompt and --prompt-file: give one") }
    if let prompt { return prompt }
    if promptFile == nil, isatty(STDIN_FILENO) == 1 { Terminal.note("reading the prompt from standard input; Control-D ends it") }
    let data = promptFile.map { FileManager.default.contents(atPath: $0) } ?? FileHandle.standardInput.readDataToEndOfFile()
    guard let data else { throw ModelFileError(.unreadable, "\(promptFile ?? ""): cannot be read") }
    guard let text = String(validating: data, as: UTF8.self) else { throw ModelFileError(.malformed, "\(promptFile ?? "standard input"): not UTF-8") }
    return text
  }

  private func request(_ text: String, _ loaded: LoadedModel) throws -> GenerationRequest {
    guard chat || (system == nil && chatTemplate == nil) else { throw GenerationError(.parameter, "--system and --chat-template belong to --chat, which is missing") }
    let messages = (system.map { [ChatMessage(role: "system", content: $0)] } ?? []) + [ChatMessage(role: "user", content: text)]
    var request = GenerationRequest(
      prompt: chat ? try loaded.prompt(messages, template: chatTemplate.map(LoadedModel.template)) : loaded.prompt(text, parsingSpecial: parseSpecial))
    if request.prompt.isEmpty { throw GenerationError(.parameter, "the prompt is empty: give --prompt, --prompt-file or a text on standard input") }
    request.sampling = sampling.parameters(SamplingParameters())
    if let logprobs {
      guard json else { throw GenerationError(.parameter, "--logprobs \(logprobs): shown with --json") }
      request.sampling.topLogProbabilities = logprobs
    }
    (request.maximumTokens, request.count, request.stops) = (maxTokens, count, stops)
    (request.ignoresEnd, request.showsSpecial) = (ignoreEnd, ignoreEnd)
    request.adapters = try options.adapters(adapters, of: loaded)
    if let experts = try mixture.experts(loaded, location: options.location) {
      guard adapters.isEmpty else { throw GenerationError(.parameter, "--adapter and --mixture: give one") }
      request.mixture = .init(experts: experts, priors: try mixture.priors(), keptExperts: mixture.keptExperts)
    }
    switch try evolved.model(loaded) {
    case nil: break
    case _ where !adapters.isEmpty || request.mixture != nil: throw GenerationError(.parameter, "--evolved goes without --adapter and --mixture")
    case .adapters(let adapters)?: request.adapters = adapters
    case .mixture(let experts, let priors)?: request.mixture = .init(experts: experts, priors: priors)
    }
    guard jsonSchema == nil || !jsonMode else { throw GenerationError(.parameter, "--json-schema and --json-mode: give one") }
    if let jsonSchema {
      guard let schema = FileManager.default.contents(atPath: jsonSchema) else { throw ModelFileError(.unreadable, "\(jsonSchema): cannot be read") }
      request.grammar = loaded.matcher(try JSONGrammar(schema: Array(schema)))
    } else if jsonMode {
      request.grammar = loaded.matcher(JSONGrammar())
    }
    return request
  }

  private func show(_ answers: [Answer], _ request: GenerationRequest, _ loaded: LoadedModel) throws {
    let experts = request.mixture?.experts.map(\.name)
    if json { return try Terminal.printJSON(GenerateReport(model: loaded.model.path, answers: answers, experts: experts, tokenizer: loaded.tokenizer)) }
    if count > 1 {
      for answer in answers { print("[\(answer.index + 1)] \(answer.result?.text ?? "")") }
    }
    guard !quiet else { return }
    for answer in answers where answer.index == 0 {
      if let weights = answer.result?.responsibilities, let experts {
        Terminal.note("mixture: " + zip(experts, weights).map { "\($0) \(String(format: "%.3f", $1))" }.joined(separator: ", "))
      }
    }
    Terminal.note(Speed.line(answers.compactMap { $0.result?.usage }))
  }
}

/// What came of one answer.
struct Answer {
  let index: Int
  var tokens: [GeneratedToken] = []
  var result: GenerationResult?
}

enum Clock {
  static let seconds: @Sendable () -> Double = { ProcessInfo.processInfo.systemUptime }
}

enum Speed {
  /// `5 prompt tokens, first after 0.05 s; 64 tokens, 93.1 a second`.
  static func line(_ usages: [GenerationUsage]) -> String {
    guard let first = usages.first else { return "interrupted" }
    let cached = first.cachedTokens > 0 ? " (\(first.cachedTokens) kept)" : ""
    let tokens = usages.reduce(0) { $0 + $1.completionTokens }
    let after = usages.map(\.seconds).max()! - first.secondsToFirstToken
    let rate = tokens > usages.count && after > 0 ? String(format: ", %.1f a second", Double(tokens - usages.count) / after) : ""
    return
      "\(Terminal.count(first.promptTokens, "prompt token"))\(cached), first after \(String(format: "%.2f", first.secondsToFirstToken)) s; \(Terminal.count(tokens, "token"))\(rate)"
  }
}
