internal import CentramModel
internal import CentramNode
internal import Foundation

/// A conversation in the terminal: what was said, and what the commands that begin with a slash do.
struct Conversation {
  enum Outcome { case goOn, end }
  private struct Turn: Codable { let role: String, content: String }

  let loaded: LoadedModel
  let generator: Generator
  let location: (String) throws -> String
  var system: String?
  var parameters = SamplingParameters()
  var maximumTokens: Int?
  var stops: [String] = []
  var adapters: [(name: String, adapter: AppliedAdapter)] = []
  /// The model that evolution made, and what is done with each request that it answered, until another adapter is chosen.
  var evolved: (model: LoadedModel.Evolved, answered: (_ text: String, _ experts: [MixtureExpert]?, _ result: GenerationResult) throws -> Void)?
  var isQuiet = false
  var template: ChatTemplate?
  private var turns: [Turn] = []
  private let cache = PromptCache()

  init(loaded: LoadedModel, generator: Generator, location: @escaping (String) throws -> String) {
    (self.loaded, self.generator, self.location) = (loaded, generator, location)
  }

  private static let help = """
    /reset                 forget the conversation
    /system TEXT           set the system's message, and forget the conversation; without TEXT no message
    /save FILE             write the conversation as JSON
    /load FILE             read one
    /adapter NAME[:SCALE]  use this adapter from now on; without NAME show which are used, none for none
    /help                  this
    /quit                  end, as Control-D does
    """

  /// Errors of a command are shown, and the conversation goes on.
  mutating func command(_ line: String) throws -> Outcome {
    let parts = line.split(separator: " ", maxSplits: 1).map(String.init)
    let argument = parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespaces) : nil
    do {
      switch parts[0] {
      case "/reset": forget()
      case "/system":
        system = argument
        forget()
      case "/save": try write(needed(argument, "/save FILE"))
      case "/load": try read(needed(argument, "/load FILE"))
      case "/adapter": try choose(argument)
      case "/help": Terminal.note(Self.help)
      case "/quit", "/exit", "/bye": return .end
      default: Terminal.note("\(parts[0]): no such command; /help shows them")
      }
    } catch { Terminal.note("error: \(error)") }
    return .goOn
  }

  private func needed(_ argument: String?, _ usage: String) throws -> String {
    guard let argument else { throw GenerationError(.parameter, "the file is missing: \(usage)") }
    return argument
  }

  private mutating func forget() {
    turns = []
    cache.clear()
  }

  private mutating func choose(_ name: String?) throws {
    switch name {
    case nil: Terminal.note(evolved != nil ? "the evolved model" : adapters.isEmpty ? "no adapter" : adapters.map(\.name).joined(separator: ", "))
    case "none": (adapters, evolved) = ([], nil)
    case let name?: (adapters, evolved) = ([(name, try loaded.adapter(AdapterReference(name), location: location))], nil)
    }
  }

  /// Says something, and shows the answer as it comes. An answer that was stopped stays as far as it came.
  mutating func answer(_ text: String) throws {
    do throws(GenerationError) {
      var request = GenerationRequest(prompt: try prompt(with: text))
      (request.sampling, request.maximumTokens, request.stops) = (parameters, maximumTokens, stops)
      request.adapters = adapters.map(\.adapter)
      switch evolved?.model {
      case nil: break
      case .adapters(let used)?: request.adapters = used
      case .mixture(let experts, let priors)?: request.mixture = .init(experts: experts, priors: priors)
      }
      var failure: GenerationError?, answer: GenerationResult?
      let handle = try generator.add(request, cache: cache) { event in
        switch event {
        case .token(let token): Terminal.write(token.text, to: STDOUT_FILENO)
        case .finished(let result):
          Terminal.write(result.rest + "\n", to: STDOUT_FILENO)
          answer = result
        case .failed(_, let error): failure = error
        }
      }
      try work(handle)
      if let failure { throw failure }
      guard let answer else { return }
      if let evolved, answer.reason != .cancelled {
        do { try evolved.answered(text, request.mixture?.experts, answer) } catch { Terminal.note("warning: \((error as? GenomePackageError)?.message ?? "\(error)")") }
      }
      turns += [Turn(role: "user", content: text), Turn(role: "assistant", content: answer.text)]
      if !isQuiet, isatty(STDIN_FILENO) == 1 { Terminal.note("[\(Speed.line([answer.usage]))]") }
    } catch {
      Terminal.note("error: \(error.message)" + (error.code == .context ? "; /reset begins anew" : ""))
    }
  }

  private func prompt(with text: String) throws(GenerationError) -> [Int32] {
    let first = system.map { [Turn(role: "system", content: $0)] } ?? []
    let messages = (first + turns + [Turn(role: "user", content: text)]).map { ChatMessage(role: $0.role, content: $0.content) }
    do throws(ModelFileError) { return try loaded.prompt(messages, template: template) } catch { throw GenerationError(.parameter, error.message) }
  }

  private func work(_ handle: Generator.Handle) throws(GenerationError) {
    do {
      while !generator.isIdle {
        if Interrupt.isRequested {
          generator.cancel(handle)
          Interrupt.forget()
        }
        try generator.step()
      }
    } catch { throw error as? GenerationError ?? GenerationError(.parameter, "\(error)") }
  }

  // MARK: files

  private struct Saved: Codable {
    var system: String?
    var messages: [Turn]
  }

  private func write(_ path: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let saved = Saved(system: system, messages: turns)
    do { try encoder.encode(saved).write(to: URL(fileURLWithPath: path), options: .atomic) } catch {
      throw ModelFileError(.unwritable, "\(path): \(error.localizedDescription)")
    }
  }

  /// - Throws: where the file is none that `/save` wrote; the conversation stays as it is then.
  mutating func read(_ path: String) throws {
    guard let data = FileManager.default.contents(atPath: path) else { throw ModelFileError(.unreadable, "\(path): cannot be read") }
    guard let saved = try? JSONDecoder().decode(Saved.self, from: data) else {
      throw ModelFileError(.malformed, "\(path): no conversation: JSON with \"messages\", each with \"role\" and \"content\"")
    }
    (system, turns) = (saved.system, saved.messages)
    cache.clear()
  }
}
