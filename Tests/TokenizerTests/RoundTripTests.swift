import Testing

@testable import CentramModel

@Suite struct RoundTripTests {
  /// Kinds that neither change nor drop anything.
  @Test(arguments: ["gpt2", "llama3", "smollm", "cl100k", "o200k", "deepseek"]) func decodingGivesTheTextBack(kind: String) throws {
    let tokenizer = try Fixtures.tokenizer(kind)
    let seed: UInt64 = 20_260_101
    var random = Randomness(seed)
    for round in 0..<400 {
      let text = random.text(60)
      let ids = tokenizer.encode(text)
      #expect(Array(tokenizer.decode(ids).unicodeScalars) == Array(text.unicodeScalars), "seed \(seed), round \(round)")
    }
  }

  @Test func bytesAreTheirOwnTokens() {
    #expect(Tokenizer.bytes.count == 256)
    #expect(Tokenizer.bytes.encode("é\n<|im_end|>", parsingSpecial: true) == Array("é\n<|im_end|>".utf8).map { Int32($0) })
    #expect(Tokenizer.bytes.decode([0x68, 0x69, 0xc3]) == "hi\u{fffd}")
    #expect(Tokenizer.bytes.bytes(of: 200) == [200] && Tokenizer.bytes.bytes(of: 256).isEmpty && Tokenizer.bytes.bytes(of: -1).isEmpty)
    #expect(Tokenizer.bytes.id(of: "a") == 97 && Tokenizer.bytes.id(of: "é") == nil)
  }

  @Test func idsWithoutATokenAreLeftOut() throws {
    let tokenizer = try Fixtures.tokenizer("qwen2")
    let ids = tokenizer.encode("some words")
    #expect(tokenizer.decode([-1, Int32.max] + ids + [Int32(tokenizer.count)]) == "some words")
    #expect(tokenizer.bytes(of: Int32.min).isEmpty && tokenizer.text(of: Int32(tokenizer.count)) == nil)
  }

  @Test func tokensHaveTheirNames() throws {
    let tokenizer = try Fixtures.tokenizer("qwen2")
    let end = try #require(tokenizer.id(of: "<|im_end|>"))
    #expect(tokenizer.isSpecial(end) && tokenizer.text(of: end) == "<|im_end|>" && tokenizer.bytes(of: end) == Array("<|im_end|>".utf8))
    let call = try #require(tokenizer.id(of: "<tool_call>"))
    #expect(!tokenizer.isSpecial(call))
    let the = try #require(tokenizer.id(of: "Ġthe"))
    #expect(tokenizer.bytes(of: the) == Array(" the".utf8) && !tokenizer.isSpecial(the))
    #expect(tokenizer.id(of: "not a token of it") == nil)
  }

  /// All texts together are what decoding at once gives, whatever the tokens; none ends within a character.
  @Test func streamingGivesTheSameText() throws {
    let tokenizer = try Fixtures.tokenizer("smollm")
    let seed: UInt64 = 7
    var random = Randomness(seed)
    for round in 0..<400 {
      var ids = round % 2 == 0 ? tokenizer.encode(random.text(20)) : (0..<random.below(30)).map { _ in Int32(random.below(tokenizer.count + 2)) }
      // Bytes that start characters, or go on with them, are rare among random tokens.
      for byte: UInt8 in [0xf0, 0x9f, 0xe2, 0x80, 0xed, 0xa0, 0xf4, 0x90] where random.below(3) == 0 {
        if let id = (0..<Int32(tokenizer.count)).first(where: { tokenizer.bytes(of: $0) == [byte] }) { ids.insert(id, at: random.below(ids.count + 1)) }
      }
      for skipping in [false, true] {
        var decoder = StreamingDecoder(tokenizer, skippingSpecial: skipping)
        var text = ""
        for id in ids { text.unicodeScalars.append(contentsOf: decoder.push(id).unicodeScalars) }
        text.unicodeScalars.append(contentsOf: decoder.finish().unicodeScalars)
        #expect(Array(text.unicodeScalars) == Array(tokenizer.decode(ids, skippingSpecial: skipping).unicodeScalars), "seed \(seed), round \(round)")
      }
    }
  }

  @Test func streamingHoldsBackHalfACharacter() {
    var decoder = StreamingDecoder(.bytes)
    #expect([0xf0, 0x9f, 0x99].allSatisfy { decoder.push($0).isEmpty })
    #expect(decoder.push(0x82) == "🙂")
    #expect(decoder.push(0xc3).isEmpty && decoder.push(0x41) == "\u{fffd}A")
    #expect(decoder.push(0xe2).isEmpty && decoder.finish() == "\u{fffd}" && decoder.finish().isEmpty)
    #expect(decoder.push(0xff) == "\u{fffd}")
  }
}
