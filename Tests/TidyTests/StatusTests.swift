import Foundation
import Testing

/// docs/STATUS.md makes claims; here each is held to its command and its test.
@Suite struct StatusTests {
  struct Row {
    let component: String, status: String, command: String, test: String
  }

  static func rows() throws -> [Row] {
    try Repository.text("docs/STATUS.md").split(separator: "\n").compactMap { line in
      guard line.hasPrefix("|") else { return nil }
      let cells = line.split(separator: "|", omittingEmptySubsequences: false).dropFirst().dropLast().map { $0.trimmingCharacters(in: .whitespaces) }
      guard cells.count == 5, cells[0] != "component", !cells[0].hasPrefix("--") else { return nil }
      return Row(component: cells[0], status: cells[1], command: cells[2], test: cells[3])
    }
  }

  /// What stands between back quotes.
  static func quoted(_ cell: String) -> [String] {
    cell.split(separator: "`", omittingEmptySubsequences: false).enumerated().filter { $0.offset % 2 == 1 }.map { String($0.element) }
  }

  @Test func everyRowHasAKnownStatus() throws {
    let rows = try Self.rows()
    #expect(rows.count > 20)
    for row in rows { #expect(["Ships", "Demo", "Beta", "Open"].contains(row.status), "\(row.component): \(row.status)") }
  }

  @Test func everyClaimNamesATestThatExists() throws {
    let sources = try Repository.files("Tests", ".swift").map(Repository.text).joined(separator: "\n")
    for row in try Self.rows() where row.status != "Open" {
      let tests = Self.quoted(row.test)
      #expect(!tests.isEmpty, "\(row.component) names no test")
      for test in tests {
        let name = test.split(separator: "/").last.map(String.init) ?? test
        #expect(sources.contains("func \(name)(") || sources.contains("struct \(name) ") || sources.contains("struct \(name):"), "\(row.component): there is no test \(test)")
      }
    }
  }

  @Test func everyClaimNamesACommandThatExists() throws {
    let commands = try Repository.files("Sources/centram-host", ".swift").map(Repository.text).joined(separator: "\n")
    for row in try Self.rows() where row.status != "Open" {
      let lines = Self.quoted(row.command)
      #expect(!lines.isEmpty, "\(row.component) names no command")
      for line in lines {
        let words = line.split(separator: " ").map(String.init)
        if words[0] == "centram-host" {
          for word in words.dropFirst().prefix(2) where word.allSatisfy({ $0.isLowercase || $0 == "-" }) && !word.hasPrefix("-") {
            #expect(commands.contains("commandName: \"\(word)\""), "\(row.component): centram-host has no command \(word)")
          }
        } else {
          #expect(Repository.exists(words[0]), "\(row.component): there is no \(words[0])")
        }
      }
    }
  }
}
