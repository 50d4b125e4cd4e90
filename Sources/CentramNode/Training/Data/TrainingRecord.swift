/// One line of a data file.
public enum TrainingRecord: Sendable, Equatable {
  public struct Message: Sendable, Equatable {
    public var role: String, content: String
    public init(role: String, content: String) { (self.role, self.content) = (role, content) }
  }

  case text(String)
  case completion(prompt: String, completion: String)
  case chat([Message])

  /// The most messages of a chat.
  static let maximumMessages = 4096

  /// Reads a line of JSON: `{"text": …}`, `{"prompt": …, "completion": …}` or `{"messages": [{"role": …, "content": …}, …]}`, the
  /// formats of mlx-lm. Other keys are not looked at.
  /// - Throws: what is wrong, without file and line.
  public init(json: [UInt8]) throws(Failure) {
    let root: OrderedJSON
    do throws(OrderedJSON.Failure) { root = try OrderedJSON(parsing: json) } catch {
      throw Failure("not good JSON: \(error.message) (byte \(error.position))")
    }
    guard let object = root.object else { throw Failure("not a JSON object") }
    switch (object["messages"], object["prompt"], object["completion"], object["text"]) {
    case (let messages?, nil, nil, nil):
      guard (object["tools"] ?? .null) == .null else { throw Failure("tools is there; calls of tools cannot be trained here, leave such chats out") }
      self = .chat(try Self.messages(messages))
    case (nil, let prompt?, let completion?, nil):
      guard let prompt = prompt.string else { throw Failure("prompt is not a text") }
      guard let completion = completion.string else { throw Failure("completion is not a text") }
      guard !completion.isEmpty else { throw Failure("completion is empty, so there is nothing to learn") }
      self = .completion(prompt: prompt, completion: completion)
    case (nil, nil, nil, let text?):
      guard let text = text.string else { throw Failure("text is not a text") }
      guard !text.isEmpty else { throw Failure("text is empty") }
      self = .text(text)
    case (nil, _?, nil, nil): throw Failure("prompt is there without completion")
    case (nil, nil, _?, nil): throw Failure("completion is there without prompt")
    case (nil, nil, nil, nil):
      let keys = object.members.prefix(5).map { "\"\($0.key.prefix(30))\"" }.joined(separator: ", ")
      throw Failure("needs text, prompt and completion, or messages; the keys are \(keys.isEmpty ? "none" : keys)")
    default: throw Failure("has more than one of text, prompt and completion, and messages; keep one")
    }
  }

  private static func messages(_ value: OrderedJSON) throws(Failure) -> [Message] {
    guard let array = value.array else { throw Failure("messages is not a list") }
    guard !array.isEmpty, array.count <= maximumMessages else { throw Failure("messages holds \(array.count) of them; from 1 to \(maximumMessages) are possible") }
    var messages: [Message] = []
    for (index, item) in array.enumerated() {
      guard let object = item.object else { throw Failure("messages[\(index)] is not an object") }
      guard let role = object["role"]?.string, !role.isEmpty, role.utf8.count <= 64 else { throw Failure("messages[\(index)] has no role") }
      guard let content = object["content"]?.string else { throw Failure("messages[\(index)].content is not a text") }
      messages.append(Message(role: role, content: content))
    }
    guard messages.last?.role == "assistant" else {
      throw Failure("the last message is by \"\(messages.last?.role.prefix(20) ?? "")\", not by assistant, so there is no answer to learn")
    }
    return messages
  }

  /// What is wrong with a line.
  public struct Failure: Error, Sendable {
    public let message: String
    init(_ message: String) { self.message = message }
  }
}
