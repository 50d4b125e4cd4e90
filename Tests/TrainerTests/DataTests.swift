import CentramNode
import CentramPluginAPI
import Foundation
import Fuzzing
import Testing

/// Bytes, an end token, and a template that writes `[role]content.`.
struct ByteEncoding: TrainingEncoding {
  var endToken: Int32? = 300
  var prefix: [Int32] = []
  var hasChatTemplate = true
  func encode(_ text: String) throws(TrainingJobError) -> [Int32] { text.utf8.map { Int32($0) } }
  func encode(chat: [TrainingRecord.Message], opensAnswer: Bool) throws(TrainingJobError) -> [Int32] {
    try encode(chat.map { "[\($0.role)]\($0.content)." }.joined() + (opensAnswer ? "[assistant]" : ""))
  }
}

@Suite struct DataTests {
  private let folder = try! TemporaryFolder()

  private func data(
    _ path: String, length: Int = 16, share: Double = 0, masks: Bool = false, packs: Bool = false, seed: UInt64 = 0, encoding: ByteEncoding = ByteEncoding()
  ) throws -> TrainingData {
    var options = TrainingData.Options(length: length)
    (options.validationShare, options.masksPrompts, options.packs, options.seed) = (share, masks, packs, seed)
    return try TrainingData(path: path, encoding: encoding, options: options)
  }

  /// Tokens as text: `~` before what is not counted, `$` for the end token, `_` for what fills up.
  private func text(_ tokens: [Int32]) -> String {
    tokens.map { token in
      if token == ~0 { return "_" }
      let plain = token < 0 ? ~token : token
      return (token < 0 ? "~" : "") + (plain == 300 ? "$" : String(decoding: [UInt8(plain)], as: UTF8.self))
    }.joined()
  }

  private func rows(_ data: TrainingData) throws -> [String] {
    let stream = data.stream()
    return try (0..<stream.count).map { text(try stream.sequence($0, length: data.length)) }
  }

  private func message(_ body: () throws -> Void) -> String {
    do { try body() } catch let error as TrainingJobError { return error.message } catch { return "\(error)" }
    return "no error"
  }

  @Test func aTextIsCutIntoRowsAndEndsWithTheEndToken() throws {
    let path = try folder.write("abcdefgh\nijklm", as: "a.txt")
    #expect(try rows(try data(path, length: 6)) == ["abcdef", "gh\nijk", "lm\n$__"])
    #expect(try rows(try data(path, length: 5, encoding: ByteEncoding(endToken: nil))) == ["abcde", "fgh\ni", "jklm\n"])
    #expect(try rows(try data(path, length: 8, encoding: ByteEncoding(prefix: [64]))) == ["@abcdefg", "h\nijklm\n"])
  }

  @Test func aFolderOfTextsIsReadInOrderOfNames() throws {
    let folder = try TemporaryFolder()
    try FileManager.default.createDirectory(atPath: folder("b"), withIntermediateDirectories: true)
    try FileManager.default.createDirectory(atPath: folder(".git"), withIntermediateDirectories: true)
    try folder.write("two", as: "b/x.md")
    try folder.write("one", as: "a.txt")
    try folder.write("hidden", as: ".git/x")
    try folder.write("held", as: "valid.txt")
    let data = try data(folder.path, length: 8)
    #expect(try rows(data) == ["one\n$___", "two\n$___"])
    let held = text(try data.stream().batch(step: ~0, batch: 2, length: 8))
    #expect(data.validationSequences == 1 && held == "held\n$__________")
  }

  @Test func recordsAreRowsOfTheirOwn() throws {
    let path = try folder.write("{\"text\":\"one\"}\n\n{\"text\":\"two \\u00e9\",\"id\":7}\r\n{\"prompt\":\"2+2=\",\"completion\":\"4\"}", as: "r.jsonl")
    var encoding = ByteEncoding()
    #expect(try rows(try data(path, length: 24)).map { $0.replacingOccurrences(of: "_", with: "") }[0] == "one$")
    #expect(try rows(try data(path, length: 36))[2].hasPrefix("[user]2+2=.[assistant]4._"))
    encoding.hasChatTemplate = false
    #expect(try rows(try data(path, length: 8, masks: true, encoding: encoding))[2] == "~2~+~2~=4$__")
    let data = try data(path, length: 8)
    #expect(data.place(1).hasSuffix("r.jsonl:3") && data.warnings.isEmpty == false)
  }

  @Test func onlyTheLastAnswerOfAChatIsCounted() throws {
    let path = try folder.write(
      #"{"messages":[{"role":"system","content":"s"},{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"},{"role":"assistant","content":"d"}]}"#,
      as: "c.jsonl")
    let masked = try rows(try data(path, length: 80, masks: true))[0]
    #expect(masked.replacingOccurrences(of: "~", with: "").hasPrefix("[system]s.[user]a.[assistant]b.[user]c.[assistant]d._"))
    #expect(masked.contains("~[~a~s~s~i~s~t~a~n~t~]d._") && masked.filter { $0 == "~" }.count == "[system]s.[user]a.[assistant]b.[user]c.[assistant]".count)
    #expect(!(try rows(try data(path, length: 80))[0].contains("~")))
    #expect(message { _ = try data(path, encoding: ByteEncoding(hasChatTemplate: false)) }.contains("c.jsonl:1: the model has no chat template"))
  }

  @Test func longRecordsAreCutAndWarnedOf() throws {
    let path = try folder.write(#"{"prompt":"long prompt","completion":"x"}"# + "\n" + #"{"text":"0123456789"}"#, as: "l.jsonl")
    let data = try data(path, length: 6, masks: true, encoding: ByteEncoding(hasChatTemplate: false))
    // Of the first only the prompt is left, so it goes.
    #expect(try rows(data) == ["012345"])
    #expect(data.warnings == ["2 records longer than 6 tokens; 12 tokens were cut off their ends"])
  }

  @Test func shortRecordsShareARowWherePacked() throws {
    let path = try folder.write((1...5).map { #"{"text":"\#(String(repeating: "\($0)", count: $0))"}"# }.joined(separator: "\n"), as: "p.jsonl")
    #expect(try rows(try data(path, length: 8, packs: true)) == ["1$~22$___", "333$____", "4444$___", "55555$__"])
    #expect(try rows(try data(path, length: 16, packs: true)) == ["1$~22$~333$~4444$__", "55555$__________"])
  }

  @Test func theSplitGoesByTheTextItself() throws {
    let lines = (0..<400).map { #"{"text":"sentence \#($0 % 200)"}"# }
    let path = try folder.write(lines.joined(separator: "\n"), as: "s.jsonl")
    let one = try data(path, length: 20, share: 0.2), two = try data(path, length: 20, share: 0.2), other = try data(path, length: 20, share: 0.2, seed: 1)
    #expect(one.sequences + one.validationSequences == 400 && (40...120).contains(one.validationSequences))
    #expect(one.hash == two.hash && one.hash != other.hash)
    var held = Set<String>()
    for batch in 0..<one.validationSequences { held.insert(text(try one.stream().batch(step: ~batch, batch: 1, length: 20))) }
    // Each text is there twice, and both are on one side.
    let trained = try rows(one)
    #expect(held.isDisjoint(with: trained) && held.count * 2 == one.validationSequences)
  }

  @Test func anEpochHoldsEverySequenceOnceInAnOrderOfItsOwn() throws {
    let path = try folder.write((0..<30).map { #"{"text":"\#(Character(UnicodeScalar(97 + $0 % 26)!))\#($0)"}"# }.joined(separator: "\n"), as: "e.jsonl")
    let data = try data(path, length: 4, seed: 5), stream = data.stream()
    func epoch(_ number: Int, _ stream: any TokenStream) throws -> [String] {
      try (0..<10).flatMap { step -> [String] in
        let tokens = try stream.batch(step: number * 10 + step, batch: 3, length: 4)
        return (0..<3).map { text(Array(tokens[$0 * 4..<$0 * 4 + 4])) }
      }
    }
    let (first, second) = (try epoch(0, stream), try epoch(1, stream))
    let all = try rows(data)
    #expect(Set(first) == Set(all) && Set(second) == Set(first) && first != second && first != all)
    #expect(try epoch(0, stream) == first, "a step gives the same whenever it is asked for")
    #expect(data.rows(step: 0, batch: 3).map(\.place).allSatisfy { $0.hasPrefix("e.jsonl:") })
    let error = #expect(throws: PluginError.self) { try stream.batch(step: 0, batch: 1, length: 5) }
    #expect(error?.code == .shapeMismatch)
    #expect(throws: PluginError.self) { try stream.sequence(30, length: 4) }
    #expect(throws: PluginError.self) { try stream.batch(step: .max, batch: 3, length: 4) }
    #expect(throws: PluginError.self) { try stream.batch(step: .min, batch: 3, length: 4) }
    #expect(throws: PluginError.self) { try stream.batch(step: ~0, batch: 3, length: 4) }
  }

  @Test func refusesBadLinesByFileAndLine() throws {
    for (line, words) in [
      ("{", "not good JSON"), ("[1]", "not a JSON object"), (#"{"txt":"a"}"#, #"the keys are "txt""#), (#"{"text":1}"#, "text is not a text"), (#"{"text":""}"#, "text is empty"),
      (#"{"prompt":"a"}"#, "without completion"), (#"{"completion":"a"}"#, "without prompt"), (#"{"text":"a","prompt":"b"}"#, "keep one"),
      (#"{"messages":[]}"#, "from 1 to"), (#"{"messages":[{"role":"user","content":"a"}]}"#, "not by assistant"), (#"{"messages":[{"role":"user"}]}"#, "messages[0].content"),
      (#"{"messages":[{"content":"user"}]}"#, "messages[0] has no role"), (#"{"messages":{}}"#, "not a list"), (#"{"text":"a","text":"b"}"#, "not good JSON"),
      (#"{"messages":[{"role":"assistant","content":"a"}],"tools":[1]}"#, "tools"), ("{\"text\":\"\u{1}\"}", "not good JSON"), ("null", "not a JSON object"),
    ] {
      let path = try folder.write("{\"text\":\"good\"}\n\n" + line + "\n", as: "bad.jsonl")
      let found = message { _ = try data(path) }
      #expect(found.contains("bad.jsonl:3: ") && found.contains(words), "\(line): \(found)")
    }
    let path = try folder.write(Array("good\nbad \u{ff}".utf8.dropLast(2)) + [0xff, 0x0a], as: "bad.txt")
    #expect(message { _ = try data(path) }.contains("bad.txt:2: not UTF-8"))
    #expect(message { _ = try data(folder("none")) }.contains("no such folder"))
    let empty = try folder.write("", as: "empty.txt")
    #expect(message { _ = try data(empty, encoding: ByteEncoding(endToken: nil)) }.contains("no sequence to train on"))
    let other = try TemporaryFolder()
    try other.write("{}", as: "data.jsonl")
    #expect(message { _ = try data(other.path) }.contains("name it train.jsonl"))
  }

  @Test func refusesALineThatIsTooLongInBoundedMemory() throws {
    let path = folder("long.jsonl")
    try folder.write("", as: "long.jsonl")
    let file = try #require(FileHandle(forWritingAtPath: path))
    try file.truncate(atOffset: 20 << 20)  // a sparse file: zeroes without a line's end
    try file.close()
    #expect(message { _ = try data(path) }.contains("long.jsonl:1: the line is longer than 16777216 bytes"))
  }

  @Test func hostileLinesAreRefusedOrReadAndNeverHurt() throws {
    let fuzz = Fuzz("DataTests", rounds: 100_000)
    let seed = fuzz.seed
    var random = fuzz.random
    let seeds = [
      #"{"text":"abc"}"#, #"{"prompt":"a\u00e9\ud83d\ude00","completion":"b\n"}"#, #"{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]}"#,
      #"{"text":"x","n":[1,-2.5e3,true,null,{"a":{}}]}"#,
    ].map { Array($0.utf8) }
    let total = fuzz.rounds
    var lines = 0, good = 0
    while lines < total {
      var file: [UInt8] = [], bytes: [UInt8] = []
      let count = min(2000, total - lines)
      for _ in 0..<count {
        var line = seeds.randomElement(using: &random)!
        for _ in 0..<Int.random(in: 0...3, using: &random) {
          let at = Int.random(in: 0..<max(1, line.count), using: &random)
          switch Int.random(in: 0..<5, using: &random) {
          case 0: line[at] = UInt8.random(in: 0...255, using: &random)
          case 1: line.removeSubrange(at..<min(line.count, at + Int.random(in: 1...4, using: &random)))
          case 2: line.insert(contentsOf: Array("{}[]\",:\\u0eE+-19".utf8).shuffled(using: &random).prefix(3), at: at)
          case 3: line.insert(contentsOf: line.suffix(at % 20), at: at)
          default: line = Array(repeating: UInt8(ascii: "["), count: at) + line
          }
          if line.isEmpty { line = [0x20] }
        }
        bytes = line.filter { $0 != 0x0a }
        if let record = try? TrainingRecord(json: bytes) {
          good += 1
          if file.count < 10_000 { file += bytes + [0x0a] }
          if case .chat(let messages) = record { #expect(messages.last?.role == "assistant", "seed \(seed)") }
        }
      }
      lines += count
      // And whole files: good lines with one of any kind at the end, since the first bad line ends the reading.
      let path = try folder.write(file + bytes, as: "fuzz.jsonl")
      _ = message { _ = try data(path) }
    }
    #expect(good > total / 20, "seed \(seed)")
  }
}
