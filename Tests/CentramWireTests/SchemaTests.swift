import CentramWire
import Foundation
import SwiftProtobuf
import Testing

/// Code, .proto files and documentation say the same.
@Suite struct SchemaTests {
  @Test func thereAreTwelveTypesInEachOfEightFamilies() {
    #expect(MessageType.allCases.count == 96 && Schema.framed.count == 96)
    for (high, family) in Schema.families.enumerated() {
      let numbers = Schema.framed.filter { $0.family == family }.map { $0.number! }
      #expect(numbers == (0..<12).map { UInt16(high << 8 | $0) }, "\(family)")
    }
  }

  @Test(arguments: MessageType.allCases) func typesHaveTheNumbersAndLimitsOfTheirProtoFile(type: MessageType) throws {
    let message = try #require(Schema.framed.first { $0.number == type.rawValue })
    #expect("\(type)".lowercased() == message.name.lowercased() && type.message.protoMessageName == "centram.v1.\(message.name)")
    #expect(type.message.messageType == type && type.maximumPayload == message.limit)
    #expect("\(type.family)" == message.family && type.member == Int(type.rawValue & 0xff))
    #expect(type.maximumPayload <= FrameHeader.maximumPayload)
  }

  /// Encoded by the test from the .proto, decoded and encoded again by the generated code: no byte differs, no field is unknown, and each has its name.
  @Test(arguments: MessageType.allCases) func fieldsHaveTheNumbersTypesAndNamesOfTheirProtoFile(type: MessageType) throws {
    let schema = try #require(Schema.framed.first { $0.number == type.rawValue })
    let bytes = schema.filled()
    let message = try type.message.init(serializedBytes: bytes)
    #expect(try message.serializedBytes() as [UInt8] == bytes)
    let names = Set(try #require(JSONSerialization.jsonObject(with: message.jsonUTF8Data()) as? [String: Any]).keys)
    let camel = schema.fields.map { $0.name.split(separator: "_").enumerated().map { $0.offset == 0 ? String($0.element) : $0.element.capitalized }.joined() }
    #expect(names == Set(camel))
  }

  @Test(arguments: Schema.families) func documentationSaysWhatTheProtoFileSays(family: String) throws {
    let page = try Schema.text("docs/protocol/\(family).md")
    let rows = Set(page.split(separator: "\n").map(String.init))
    var count = 0
    for message in Schema.messages where message.family == family {
      #expect(rows.contains("## \(message.name)"))
      if let number = message.number, let limit = message.limit {
        let hexadecimal = String(number, radix: 16)
        let type = "0x" + String(repeating: "0", count: 4 - hexadecimal.count) + hexadecimal
        #expect(rows.contains("| `\(type)` | [\(message.name)](#\(message.name.lowercased())) | \(message.limitText) | \(message.text) |"))
        #expect(page.contains("Type `\(type)`, payload at most \(message.limitText) (\(limit) bytes). "))
      }
      for field in message.fields {
        let row = "| \(field.number) | `\(field.name)` | \(field.repeated ? "repeated " : "")\(field.type) | \(field.text) | \(field.rule) |"
        #expect(rows.contains(row), "missing in \(family).md: \(row)")
        #expect(!field.text.isEmpty, "\(message.name).\(field.name) has no comment")
      }
      count += message.fields.count
    }
    for enumeration in Schema.enumerations where enumeration.family == family {
      #expect(rows.contains("## \(enumeration.name)"))
      for value in enumeration.values { #expect(rows.contains("| \(value.number) | `\(value.name)` | \(value.text) |")) }
      count += enumeration.values.count
    }
    // No row is left over from a field that is gone.
    let members = rows.filter { $0.wholeMatch(of: /\| \d+ \| `.*/) != nil }
    #expect(page.split(separator: "\n").filter { members.contains(String($0)) }.count == count)
  }

  @Test func theFramesTableIsTheHeadersLayout() throws {
    let page = try Schema.text("docs/protocol/README.md")
    var offset = 0
    for (field, size) in [
      ("magic", 4), ("version", 1), ("flags", 1), ("type", 2), ("sender", 32), ("recipient", 32), ("session", 16), ("sequence", 8), ("time", 8), ("in reply to", 8),
      ("payload length", 4),
    ] {
      #expect(page.contains("| \(offset) | \(size) | \(field) |"))
      offset += size
    }
    #expect(offset == FrameHeader.byteCount && page.contains("| 116 | n | payload |") && page.contains("| 116 + n | 64 | signature |"))
    for code in page.matches(of: /`([a-z]+-[a-z-]+)` \|/) {
      #expect(try Schema.text("Sources/CentramWire/WireError.swift").contains("\"\(code.1)\""), "no error \(code.1)")
    }
    for family in Schema.families { #expect(page.contains("(\(family).md)")) }
  }

  /// Every domain that a comment names is one that the code has.
  @Test func signingDomainsAreThoseOfTheCode() throws {
    let code = try Schema.text("Sources/CentramWire/Signature.swift")
    var names: Set<String> = []
    for message in Schema.messages {
      for text in [message.text] + message.fields.map(\.text) { for match in text.matches(of: /domain `([^`]+)`/) { names.insert(String(match.1)) } }
    }
    #expect(names.count >= 14)
    for name in names where name != "centram/1/commit" { #expect(code.contains("SigningDomain(\"\(name)\")"), "\(name)") }
  }

  /// What protoc and Scripts/protobuf made was made of these .proto files, and nobody changed it since.
  @Test func generatedCodeIsCurrent() throws {
    let sums = try Schema.text("Sources/CentramWire/Proto/SHA256SUMS").split(separator: "\n")
    #expect(sums.count == 16)
    for line in sums {
      let parts = line.split(separator: " ", omittingEmptySubsequences: true)
      let path = "Sources/CentramWire/Proto/\(parts[1])"
      #expect(sha256(Array(try Data(contentsOf: Schema.root.appendingPathComponent(path)))) == String(parts[0]), "\(path) is not current: run Scripts/protobuf")
    }
  }

  @Test func theScriptFindsEverythingCurrent() throws {
    let process = Process()
    let output = Pipe()
    process.executableURL = Schema.root.appendingPathComponent("Scripts/protobuf")
    process.arguments = ["--check"]
    process.standardOutput = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "\(text)")
  }
}
