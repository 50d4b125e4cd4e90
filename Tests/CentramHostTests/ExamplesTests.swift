import CentramHost
import CentramPackaging
import CentramPluginAPI
import Foundation
import Testing

/// The examples are what people copy, so they are built, packed and used here as their readers would.
@Suite struct ExamplesTests {
  private static let seed: UInt64 = 0xe7a3_5000
  private static let examples = Workshop.root + "/Examples"
  static let cargo: String? = [NSHomeDirectory() + "/.cargo/bin/cargo", "/usr/bin/cargo", "/usr/local/bin/cargo"].first {
    FileManager.default.isExecutableFile(atPath: $0)
  }

  private func packed(_ library: String) throws -> PluginHost {
    let folder = try Workshop.folder()
    _ = try PluginPackager(describeCommand: Built.describe).pack(library, into: folder)
    return Workshop.host(folder)
  }

  /// Compares an operator's bits with the Swift one's on values of all magnitudes, cut into odd blocks.
  private func expectSameBitsAsLinear(_ other: any MergeOperator) throws {
    let linear = try Built.host().mergeOperator("merge.linear")
    var random = SeededGenerator(seed: Self.seed)
    for round in 0..<20 {
      let count = Int.random(in: 1...3000, using: &random)
      let inputs = (0..<Int.random(in: 1...5, using: &random)).map { _ in
        (0..<count).map { _ in Float.random(in: -1...1, using: &random) * Float(sign: .plus, exponent: Int.random(in: -30...30, using: &random), significand: 1) }
      }
      // Every fourth time shares that float32 holds exactly.
      let weights = round % 4 == 0 ? inputs.map { _ in 4.0 / Double(inputs.count) } : inputs.map { _ in Double.random(in: -1...2, using: &random) }
      let shared: [String: ParameterValue] = ["normalize": .boolean(round % 2 == 0)]
      let expected = try linear.merged(LendingDriver(inputs), weights: weights, shared: shared)
      let found = try other.merged(LendingDriver(inputs, blockSize: 7), weights: weights, shared: shared)
      let different = zip(found, expected).enumerated().first { $1.0.bitPattern != $1.1.bitPattern }?.offset
      #expect(different == nil, "seed \(Self.seed), round \(round), element \(different ?? 0)")
    }
    #expect(other.info.parameters.map(\.name) == linear.info.parameters.map(\.name))
    let missing = try #require(throws: PluginError.self) { _ = try other.merged(LendingDriver([[1], [2]]), weights: [1]) }
    #expect(missing.message == "parameter weight is missing for input 1")
    let zero = try #require(throws: PluginError.self) {
      _ = try other.merged(LendingDriver([[1], [2]]), weights: [1, -1], shared: ["normalize": .boolean(true)])
    }
    #expect(zero == PluginError(.invalid, "blk.0.weight: the weights sum to 0, so they cannot be normalized"))
  }

  @Test func linearInCGivesTheBitsOfLinearInSwift() throws {
    let host = try packed(Workshop.library(Self.examples + "/MergeOperatorC/linear.c"))
    try expectSameBitsAsLinear(host.mergeOperator("example.merge.linear-c"))
  }

  @Test(.enabled(if: cargo != nil, "cargo is not installed")) func linearInRustGivesTheBitsOfLinearInSwift() throws {
    let target = try Workshop.folder("cargo")
    let (status, output) = try Workshop.run(
      [try #require(Self.cargo), "build", "--release", "--offline", "--target-dir", target], in: Self.examples + "/MergeOperatorRust")
    try #require(status == 0, "\(output)")
    try expectSameBitsAsLinear(packed(target + "/release/liblinear.so").mergeOperator("linear-rust"))
  }

  @Test func medianInCIsTheMiddleOfOddAndEvenNumbersOfInputs() throws {
    let median = try packed(Workshop.library(Self.examples + "/MergeOperatorC/median.c")).mergeOperator("median")
    #expect(try median.merged(LendingDriver([[1, 9, 5], [3, 1, 5], [2, 100, 5]])) == [2, 9, 5])
    #expect(try median.merged(LendingDriver([[1, 4], [3, 2], [2, 100], [8, 6]])) == [2.5, 5])
    #expect(median.info.inputs == 1...64)
    let error = try #require(throws: PluginError.self) { _ = try median.merged(LendingDriver((0..<65).map { [Float($0)] })) }
    #expect(error.message == "65 inputs; the median takes 1 to 64")
  }
}
