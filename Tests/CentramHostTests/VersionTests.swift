import CentramHost
import Testing

@Suite struct VersionTests {
  @Test func ordersAsSemverSays() throws {
    let texts = ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.1", "1.2.0", "1.10.0", "2.0.0"]
    let versions = try texts.map { try SemanticVersion($0) }
    #expect(versions.shuffled().sorted() == versions && versions.map(\.description) == texts)
    #expect(try SemanticVersion("1.2.3+build.5") == SemanticVersion(1, 2, 3))
  }

  @Test(arguments: [
    "", "1", "1.2", "1.2.3.4", "v1.2.3", "1.2.x", "01.2.3", "1.2.-3", "1.2.3-", "1.2.3-a..b", "1.2.3-ä", "1.2.9999999999", " 1.2.3", "1.2.3 ", String(repeating: "1", count: 100),
  ])
  func refusesWhatIsNoVersion(text: String) {
    let error = #expect(throws: HostError.self) { _ = try SemanticVersion(text) }
    #expect(error?.code == .invalid)
  }

  @Test(
    arguments: [
      ("1.2.3", ["1.2.3"], ["1.2.4", "1.2.2", "1.2.3-beta"]), ("^1.2", ["1.2.0", "1.9.9"], ["1.1.9", "2.0.0", "2.0.0-beta", "1.3.0-beta"]),
      ("^1.2.3", ["1.2.3", "1.3.0"], ["1.2.2"]), ("^0.3.1", ["0.3.1", "0.3.9"], ["0.4.0", "0.3.0"]), ("^0.0.3", ["0.0.3"], ["0.0.4"]),
      ("^1.0.0-rc.1", ["1.0.0-rc.1", "1.0.0-rc.2", "1.0.0", "1.5.0"], ["1.0.0-beta", "1.1.0-rc.1"]),
      (">=1.0.0 <2.0.0", ["1.0.0", "1.99.0"], ["0.9.9", "2.0.0"]), (">1 <=1.4", ["1.0.1", "1.4.0"], ["1.0.0", "1.4.1"]), (">=2", ["2.0.0", "7.1.0"], ["1.9.9"]),
      ("<2", ["0.0.0", "1.9.9"], ["2.0.0"]), ("1.x", ["1.0.0", "1.7.3"], ["2.0.0", "0.9.0"]), ("1.2.x", ["1.2.0", "1.2.9"], ["1.3.0"]), ("1", ["1.4.0"], ["2.0.0"]),
      ("1.2", ["1.2.7"], ["1.3.0"]), ("*", ["0.0.1", "9.0.0", "1.0.0-beta"], []), ("1.*", ["1.4.0"], ["2.0.0"]),
    ] as [(String, [String], [String])])
  func rangesHoldWhatTheySay(text: String, inside: [String], outside: [String]) throws {
    let range = try VersionRange(text)
    #expect(range.description == text)
    for version in inside { #expect(try range.contains(SemanticVersion(version)), "\(version) in \(text)") }
    for version in outside { #expect(try !range.contains(SemanticVersion(version)), "\(version) not in \(text)") }
  }

  @Test(arguments: ["", " ", "^", "^x", "one", ">", ">=", "1.x.2", "1.2.3.x", "x.1", ">=1 >=2", ">=1 2", "^1 ^2", "=1.0.0", "1..2", String(repeating: ">=1 ", count: 50)])
  func refusesWhatIsNoRange(text: String) {
    let error = #expect(throws: HostError.self) { _ = try VersionRange(text) }
    #expect(error?.message.contains("is not a version range; write 1.2.3, ^1.2") ?? false)
  }
}

@Suite struct NearestNameTests {
  @Test(arguments: [("densty", "density"), ("wieght", "weight"), ("Normalise", "normalize"), ("lamda", "lambda"), ("denisty", "density")])
  func findsWhatWasMeant(typed: String, meant: String) {
    #expect(NearestName.suggestion(for: typed, among: ["density", "weight", "normalize", "lambda", "epsilon"]) == meant)
  }

  @Test func saysNothingWhereNothingIsNear() {
    #expect(NearestName.suggestion(for: "temperature", among: ["density", "weight"]) == nil)
    #expect(NearestName.suggestion(for: "x", among: []) == nil && NearestName.hint(for: "x", among: []) == "")
    #expect(NearestName.hint(for: "wight", among: ["weight"]) == "; nearest: weight")
  }

  @Test func takesTheFirstOfEquallyNearNames() {
    #expect(NearestName.suggestion(for: "aac", among: ["aab", "aad", "aaa"]) == "aaa")
  }
}
