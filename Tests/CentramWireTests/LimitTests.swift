import CentramWire
import Testing

@Suite struct LimitTests {
  @Test(arguments: MessageType.allCases) func aPayloadAtItsTypesLimitPassesAndOneByteMoreDoesNot(type: MessageType) throws {
    let limit = type.maximumPayload
    let payload = type.payload(of: limit)
    #expect(payload.count == limit)
    let whole = rawFrame(type: type.rawValue, payload: payload)
    let frame = try Frame(whole)
    let message = try frame.anyMessage()
    #expect(try message.frame().bytes == whole, "the sender takes it too")

    let tooLong = try type.message.init(serializedBytes: type.payload(of: limit + 1))
    #expect { try tooLong.frame() } throws: { ($0 as? WireError)?.code == .payloadTooLong }
    // The receiver refuses it by the header alone.
    var decoder = FrameDecoder()
    decoder.append(Array(rawFrame(type: type.rawValue, payload: [], announced: UInt32(limit + 1)).prefix(116)))
    #expect { try decoder.next() } throws: { ($0 as? WireError)?.code == .payloadTooLong && ($0 as? WireError)?.header?.payloadLength == limit + 1 }
  }

  /// Each rule of each field of each message that a frame carries, at its ends and one beyond, sent and received.
  @Test(arguments: MessageType.allCases) func eachFieldTakesItsEndsAndNothingBeyond(type: MessageType) throws {
    let schema = type.schema
    for field in schema.fields {
      for (bytes, isTaken) in field.probes() {
        let payload = schema.filled(0, replacing: (field.number, bytes))
        guard payload.count <= type.maximumPayload else { continue }
        let frame = try Frame(rawFrame(type: type.rawValue, payload: payload))
        var code: WireError.Code?
        do { _ = try frame.anyMessage() } catch { code = error.code }
        #expect(code == (isTaken ? nil : .invalidField), "\(schema.name).\(field.name) [\(field.rule)], \(bytes.count) bytes encoded")
        let message = try type.message.init(serializedBytes: payload)
        var sent: WireError.Code?
        do { _ = try message.frame() } catch { sent = error.code }
        #expect(sent == code, "\(schema.name).\(field.name) [\(field.rule)]: sender and receiver differ")
      }
    }
  }

  /// The same for records that travel inside a Signed, and for parts of messages.
  @Test func partsAndSignedRecordsAreHeldToTheirRules() throws {
    var record = WirePeerRecord()
    #expect { try WireSigned(record, by: alice, domain: .peer) } throws: { "\($0)" == "invalid-field: PeerRecord.key is missing" }
    record = try WirePeerRecord(serializedBytes: try #require(Schema.byName["PeerRecord"]).filled())
    #expect(try WireSigned(record, by: alice, domain: .peer).opened(WirePeerRecord.self, domain: .peer).record == record)
    record.addresses[0].url = ""
    #expect { try WireSigned(record, by: alice, domain: .peer) } throws: { "\($0)" == "invalid-field: Address.url is missing" }
    record.addresses[0].url = String(repeating: "ä", count: 129)
    #expect { try WireSigned(record, by: alice, domain: .peer) } throws: { "\($0)" == "invalid-field: Address.url has 258 bytes, not 1 to 256" }
    #expect(record.addresses[0].url.count == 129, "bytes of UTF-8 count, not letters")
  }

  @Test func everyRuleIsOneThatTheseTestsKnow() {
    for message in Schema.messages {
      for field in message.fields where !field.rule.isEmpty { #expect(!field.probes().isEmpty, "\(message.name).\(field.name) [\(field.rule)]") }
    }
  }
}

extension Schema.Field {
  /// Encodings of the field at the ends of its rule and beyond, and whether they are taken.
  func probes() -> [(bytes: [UInt8], isTaken: Bool)] {
    let numbers = numbers
    func text(_ count: UInt64) -> Value { .bytes([UInt8](repeating: 97, count: Int(count))) }
    func lengths(_ low: UInt64, _ high: UInt64, _ wrap: (Value) -> [UInt8]) -> [([UInt8], Bool)] {
      [(wrap(text(low)), true), (wrap(text(high)), true), (wrap(text(high + 1)), false)] + (low > 0 ? [(wrap(text(low - 1)), false)] : [])
    }
    func single(_ value: Value) -> [UInt8] { encoded([value]) }
    func integers(_ low: UInt64, _ high: UInt64) -> [([UInt8], Bool)] {
      var probes = [(single(.integer(low)), true), (single(.integer(high)), true)]
      if low > 0 { probes.append((single(.integer(low - 1)), false)) }
      if high < (type == "uint32" ? UInt64(UInt32.max) : .max) { probes.append((single(.integer(high + 1)), false)) }
      return probes
    }
    func reals(_ low: Double, _ high: Double) -> [([UInt8], Bool)] {
      [low, high].map { (single(.real($0)), true) } + [low - 0.5, high + max(1, high / 1000), .nan, .infinity].map { (single(.real($0)), false) }
    }
    func items(_ low: UInt64, _ high: UInt64) -> [([UInt8], Bool)] {
      let item = value(3)
      func list(_ count: UInt64) -> [UInt8] { encoded([Value](repeating: item, count: Int(count))) }
      return [(list(low), true), (list(high), true), (list(high + 1), false)] + (low > 0 ? [(list(low - 1), false)] : [])
    }
    if type == "float" || type == "double" {
      if rule == "finite" { return [-1e30, 0, 1e30].map { (single(.real($0)), true) } + [Double.nan, .infinity, -.infinity].map { (single(.real($0)), false) } }
      if repeated { return items(0, numbers[0]) + [(single(.real(Double(numbers[2]))), true), (single(.real(Double(numbers[2]) + 0.5)), false), (single(.real(.nan)), false)] }
      return reals(Double(numbers[0]), Double(numbers[1]))
    }
    let isInteger = type == "uint32" || type == "uint64"
    switch rule {
    case "required": return [([], false), (single(value(5)), true)]
    case let rule where rule.wholeMatch(of: /\d+ bytes/) != nil: return lengths(numbers[0], numbers[0], single)
    case let rule where rule.wholeMatch(of: /0 or \d+ bytes/) != nil: return lengths(numbers[1], numbers[1], single) + [(single(text(0)), true)]
    case let rule where rule.wholeMatch(of: /at most \d+ bytes/) != nil: return lengths(0, numbers[0], single)
    case let rule where rule.wholeMatch(of: /\d+ to \d+ bytes/) != nil: return lengths(numbers[0], numbers[1], single)
    case let rule where isInteger && rule.wholeMatch(of: /at least \d+/) != nil: return integers(numbers[0], type == "uint32" ? UInt64(UInt32.max) : .max)
    case let rule where isInteger && rule.wholeMatch(of: /at most \d+/) != nil: return integers(0, numbers[0])
    case let rule where isInteger && rule.wholeMatch(of: /\d+ to \d+/) != nil: return integers(numbers[0], numbers[1])
    case let rule where rule.wholeMatch(of: /at most \d+ items/) != nil: return items(0, numbers[0])
    case let rule where rule.wholeMatch(of: /\d+ to \d+ items/) != nil: return items(numbers[0], numbers[1])
    case let rule where rule.wholeMatch(of: /at most \d+ items of \d+ bytes/) != nil: return items(0, numbers[0]) + lengths(numbers[1], numbers[1], single)
    case let rule where rule.wholeMatch(of: /\d+ to \d+ items of \d+ bytes/) != nil: return items(numbers[0], numbers[1]) + lengths(numbers[2], numbers[2], single)
    case let rule where rule.wholeMatch(of: /at most \d+ items of \d+ to \d+ bytes/) != nil: return items(0, numbers[0]) + lengths(numbers[1], numbers[2], single)
    case let rule where rule.wholeMatch(of: /\d+ to \d+ items of \d+ to \d+ bytes/) != nil: return items(numbers[0], numbers[1]) + lengths(numbers[2], numbers[3], single)
    default: return []
    }
  }
}
