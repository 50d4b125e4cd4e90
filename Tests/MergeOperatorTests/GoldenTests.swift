import CentramModel
import CentramPluginAPI
import CentramPluginTesting
import Foundation
import Testing

/// Every operator against mergekit's output for the same models and parameters, and for bfloat16 against float64
/// arithmetic rounded once, which mergekit itself is further from.
@Suite struct GoldenTests {
  @Test func coversEveryMethod() {
    #expect(Set(GoldenCase.all.map(\.method)) == Set(operators.keys))
    #expect(GoldenCase.all.count >= 72)
  }

  @Test(arguments: GoldenCase.all) func agreesWithMergekit(_ golden: GoldenCase) throws {
    let files = try golden.models.map { try GoldenCase.file("models/\($0.name)/model.safetensors") }
    let expected = try GoldenCase.file(golden.expected)
    let ideal = try golden.ideal.map(GoldenCase.file)
    let masks = try golden.masks.map { RecordedMasks(try GoldenCase.file($0)) }
    let operation = try #require(operators[golden.method])
    let layers = Set(files[0].tensors.compactMap { $0.name.hasPrefix("model.layers.") ? $0.name.split(separator: ".")[2] : nil }).count
    var score = Score(golden)
    for tensor in expected.tensors {
      let sources = try files.map { try #require($0.tensor(tensor.name)) }
      let output = try OperatorHarness.merge(
        operation, zip(files, sources).map { $0.floats(of: $1) }, shape: tensor.shape,
        base: golden.base.flatMap { base in golden.models.firstIndex { $0.name == base } },
        parameters: golden.parameters(tensor: tensor.name, layers: layers, specifications: operation.info.parameters),
        models: golden.models.map(\.name), tensor: tensor.name, seed: 7, masks: masks)
      let truth = try ideal.map { $0.floats(of: try #require($0.tensor(tensor.name))) }
      // Where mergekit wrote float32 for bfloat16 models, the sum of the inputs' formats still decides.
      let format: NumberFormat = ideal != nil || golden.outFormat == "bfloat16" ? .bfloat16 : .float32
      score.add(format.rounded(output), expected: expected.floats(of: tensor), ideal: truth)
    }
    print(score)
    #expect(Double(score.outside) <= golden.allowedOutside * Double(score.count), "\(score)")
    if golden.ideal != nil {
      #expect(Double(score.beyondOneStep) <= 0.002 * Double(score.count), "\(score)")
      #expect(score.squareError <= score.mergekitSquareError, "\(score)")
    }
  }
}

/// How near an output is.
struct Score: CustomStringConvertible {
  let golden: GoldenCase
  var count = 0, outside = 0, beyondOneStep = 0
  var worst = 0.0, squareError = 0.0, mergekitSquareError = 0.0

  init(_ golden: GoldenCase) { self.golden = golden }

  mutating func add(_ output: [Float], expected: [Float], ideal: [Float]?) {
    for index in output.indices {
      let (x, y) = (Double(output[index]), Double(expected[index]))
      let limit = golden.isRoundedRule ? 0x1p-7 * max(abs(y), 0x1p-9) : golden.absolute + golden.relative * abs(y)
      count += 1
      outside += abs(x - y) <= limit ? 0 : 1
      worst = max(worst, abs(x - y))
      guard let ideal else { continue }
      let z = Double(ideal[index])
      beyondOneStep += abs(x - z) <= Double(NumberFormat.bfloat16Step(ideal[index])) ? 0 : 1
      squareError += (x - z) * (x - z)
      mergekitSquareError += (y - z) * (y - z)
    }
  }

  var description: String {
    var text = "\(golden.id): \(outside) of \(count) outside, worst \(worst)"
    if golden.ideal != nil {
      let size = Double(count)
      text += ", \(beyondOneStep) beyond one step of ideal, rms to ideal \((squareError / size).squareRoot())"
      text += ", mergekit's \((mergekitSquareError / size).squareRoot())"
    }
    return text
  }
}

/// Masks from a file: `tensor|model`, a byte an element.
struct RecordedMasks: MaskProvider {
  let file: SafetensorsFile
  init(_ file: SafetensorsFile) { self.file = file }

  func fill(_ mask: UnsafeMutableBufferPointer<UInt8>, tensor: String, model: String, offset: Int) -> Bool {
    guard let recorded = file.tensor("\(tensor)|\(model)") else { return false }
    let bytes = file.bytes(of: recorded)
    for index in mask.indices { mask[index] = bytes[offset + index] }
    return true
  }
}

extension NumberFormat {
  func rounded(_ floats: [Float]) -> [Float] {
    var bytes = [UInt8](repeating: 0, count: floats.count * size)
    var result = floats
    encode(floats, count: floats.count, into: &bytes)
    decode(bytes, count: floats.count, into: &result)
    return result
  }

  /// The distance from a bfloat16 to the next.
  static func bfloat16Step(_ value: Float) -> Float { max(value.ulp * 65536, 0x1p-133) }
}
