import CentramHost
import CentramPluginAPI
import Foundation
import Testing

@Suite struct CMergeTests {
  private static let host = Result { try Workshop.host(fixture: "merge", id: "test.merge.center", kind: .mergeOperator) }
  private func center(_ configuration: String = "{}") throws -> any MergeOperator {
    try Self.host.get().mergeOperator("test.merge.center", configurationJSON: configuration)
  }

  @Test func saysWhatTheTableSays() throws {
    let info = try center().info
    #expect(info.needs == [.baseAsInput, .seed])
    #expect(info.inputs.lowerBound == 1)
    #expect(info.parameters.map(\.name) == ["shift", "mode", "double", "weight"])
    #expect(info.parameters[0].limits == -10...10)
    #expect(info.parameters[0].defaultValue == .number(0.5))
    #expect(info.parameters[2].defaultValue == .boolean(false))
    #expect(info.parameters[3].isRequired && info.parameters[3].defaultValue == nil && info.parameters[3].scope == .perInput)
  }

  @Test func foldsAndWritesThroughTheHostsBlocks() throws {
    let shared: [String: ParameterValue] = ["shift": .number(2), "double": .boolean(true)]
    #expect(try center().merged(LendingDriver([[1, 2, 3], [3, 6, 9]]), weights: [1, 0], shared: shared) == [3, 4, 5])
  }

  @Test(arguments: [(1, 1), (2, 3), (7, 2), (64, 8)])
  func givesTheSameBitsForAnyBlocks(blockSize: Int, stripes: Int) throws {
    let a = (0..<101).map { Float($0) / 4 }, b = (0..<101).map { Float(100 - $0) / 8 }
    let whole = try center().merged(LendingDriver([a, b], stripes: stripes))
    #expect(try center().merged(LendingDriver([a, b], blockSize: blockSize, stripes: stripes)) == whole)
  }

  @Test func asksTheCallersMasks() throws {
    struct Odd: MaskProvider {
      func fill(_ mask: UnsafeMutableBufferPointer<UInt8>, tensor: String, model: String, offset: Int) -> Bool {
        for index in mask.indices { mask[index] = UInt8((offset + index) % 2) }
        return true
      }
    }
    let driver = LendingDriver([[1, 2, 3, 4]], blockSize: 3)
    let merging = try #require(try center() as? any TensorMerging)
    try merging.merge(.vector(driver, shared: ["mode": .string("mask"), "shift": .number(2.5)], masks: Odd()))
    #expect(driver.result == [0, 2, 0, 4])
  }

  @Test func throwsThePluginsSentenceAndCode() throws {
    let error = try #require(throws: PluginError.self) { _ = try center().merged(LendingDriver([[1]]), shared: ["mode": .string("refuse")]) }
    #expect(error == PluginError(.unsupported, "mode refuse was asked for"))
  }

  @Test func namesTheFunctionWhereThePluginGivesNoSentence() throws {
    let error = try #require(throws: PluginError.self) { _ = try center().merged(LendingDriver([[1]]), shared: ["mode": .string("silent")]) }
    #expect(error.code == .shapeMismatch && error.message == "merge returned 2 and gave no reason")
  }

  @Test func stopsReadingASentenceThatFillsItsBuffer() throws {
    let error = try #require(throws: PluginError.self) { _ = try center().merged(LendingDriver([[1]]), shared: ["mode": .string("long")]) }
    #expect(error.message.utf8.count == 511)
  }

  @Test func handsOnTheFailureOfABlock() throws {
    let error = try #require(throws: PluginError.self) { _ = try center().merged(LendingDriver([[1, 2]]), shared: ["mode": .string("fail")]) }
    #expect(error.code == .limitExceeded)
  }

  @Test func keepsTheHostsOwnSentenceThroughThePlugin() throws {
    let error = try #require(throws: PluginError.self) { _ = try center().merged(LendingDriver([[1]]), shared: ["mode": .string("granularity")]) }
    #expect(error == PluginError(.invalid, "granularity 9 is none of 0, 1 and 2"))
  }

  @Test func refusesAConfigurationThatThePluginRefuses() throws {
    let error = try #require(throws: HostError.self) { _ = try center(#"{"refuse":true}"#) }
    #expect(error.code.rawValue == "instance")
    #expect(error.cause?.message == "the configuration says refuse")
  }

  @Test func lendsAHundredMegabytesWithoutACopy() throws {
    let host = try Workshop.host(fixture: "probe", id: "test.merge.probe", kind: .mergeOperator)
    let driver = LendingDriver([[Float](repeating: 1, count: 25 << 20)])
    let merging = try #require(try host.mergeOperator("test.merge.probe") as? any TensorMerging)
    try merging.merge(.vector(driver))
    let seen = UnsafeRawPointer(driver.output.baseAddress!).loadUnaligned(as: (UInt, UInt).self)
    #expect(seen.0 == UInt(bitPattern: driver.inputs[0].baseAddress) && seen.1 == UInt(bitPattern: driver.output.baseAddress))
  }
}
