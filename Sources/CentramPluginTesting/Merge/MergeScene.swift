// SPDX-License-Identifier: Apache-2.0
import CentramPluginAPI

/// An operator under test, and inputs for it.
struct MergeScene: Sendable {
  let operation: any MergeOperator
  let configurationJSON: String
  let options: MergeOperatorConformance.Options
  let make: @Sendable (String) throws(PluginError) -> any MergeOperator

  init(
    configurationJSON: String, options: MergeOperatorConformance.Options, make: @escaping @Sendable (String) throws(PluginError) -> any MergeOperator
  ) throws(PluginError) {
    (self.configurationJSON, self.options, self.make) = (configurationJSON, options, make)
    operation = try make(configurationJSON)
  }

  var info: MergeOperatorInfo { operation.info }
  var isRandom: Bool { info.needs.contains(.seed) }
  var needsBase: Bool { info.needs.contains(.base) }

  /// Another instance with the same settings.
  func another() throws -> any TensorMerging {
    guard let other = try make(configurationJSON) as? any TensorMerging else {
      throw Finding.failed("each instance to have the same abilities", "another instance does not merge tensors")
    }
    return other
  }

  /// Inputs besides the base: as few as the operator takes, three where it takes these.
  var others: Int { min(info.inputs.upperBound, max(info.inputs.lowerBound, 3)) }
  var inputCount: Int { others + (needsBase ? 1 : 0) }

  /// What the checks set parameters to where they are not about these.
  enum Choice: CaseIterable {
    case defaults
    /// Numbers with narrow limits in the middle of them: a density of a half.
    case middles
    /// Each flag the other way.
    case flipped
  }

  func parameters(_ choice: Choice = .defaults, inputs: Int? = nil, without left: String? = nil, change: [String: ParameterValue] = [:]) -> Parameters {
    let count = inputs ?? inputCount
    var result = Parameters(perInput: Array(repeating: [:], count: count))
    // A value of the caller's may be one that the description does not name: what a rule inside the operator reads.
    for (name, value) in options.parameters where !info.parameters.contains(where: { $0.name == name }) {
      result.shared[name] = value
      for input in 0..<count { result.perInput[input][name] = value }
    }
    for specification in info.parameters where specification.name != left {
      guard let value = change[specification.name] ?? options.parameters[specification.name] ?? Self.value(specification, choice) else { continue }
      switch specification.scope {
      case .shared: result.shared[specification.name] = value
      case .perInput: for input in 0..<count { result.perInput[input][specification.name] = value }
      @unknown default: continue
      }
    }
    return result
  }

  private static func value(_ specification: ParameterSpecification, _ choice: Choice) -> ParameterValue? {
    if choice == .middles, specification.type == .number, let limits = specification.limits, limits.upperBound - limits.lowerBound <= 1000 {
      return .number((limits.lowerBound + limits.upperBound) / 2)
    }
    if choice == .flipped, specification.type == .boolean {
      if case .boolean(true)? = specification.defaultValue { return .boolean(false) }
      return .boolean(true)
    }
    if let value = specification.defaultValue { return value }
    guard specification.isRequired else { return nil }
    switch specification.type {
    case .number, .integer:
      guard let limits = specification.limits else { return .number(specification.type == .integer || specification.scope == .perInput ? 1 : 0.5) }
      return .number(min(limits.upperBound, max(limits.lowerBound, 1)))
    case .boolean: return .boolean(true)
    case .string: return .string("")
    @unknown default: return nil
    }
  }

  /// A base, where the operator needs one, and models near it.
  func inputs(_ shape: [Int], seed: UInt64 = 0, count: Int? = nil) -> [[Float]] {
    var random = SuiteRandom(options.seed &+ seed &* 0x1_0000)
    let elements = shape.reduce(1, *)
    let first = (0..<elements).map { _ in random.float() }
    return (0..<(count ?? inputCount)).map { input in input == 0 ? first : first.map { $0 + 0.1 * random.float() } }
  }

  func request(
    _ driver: any MergeDriver, _ shape: [Int], parameters: Parameters, inputs: Int? = nil, tensor: String = "suite.weight", seed: UInt64 = 7,
    masks: (any MaskProvider)? = nil
  ) -> MergeRequest {
    MergeRequest(
      tensor: tensor, shape: shape, models: (0..<(inputs ?? inputCount)).map { "model\($0)" }, baseIndex: needsBase ? 0 : nil, parameters: parameters, seed: seed,
      masks: masks, driver: driver)
  }

  /// Merges and returns the output's bits, all of which must have been written.
  func merge(
    _ operation: any TensorMerging, _ inputs: [[Float]], _ shape: [Int], _ choice: Choice = .defaults, plan: SuiteDriver.Plan = .init(), tensor: String = "suite.weight",
    seed: UInt64 = 7, masks: (any MaskProvider)? = nil
  ) throws -> [Float] {
    var plan = plan
    plan.protectsInputs = options.protectsInputs
    let driver = SuiteDriver(inputs, shape: shape, plan: plan)
    try operation.merge(request(driver, shape, parameters: parameters(choice), tensor: tensor, seed: seed, masks: masks))
    try driver.requireWhole("shape \(shape)")
    return driver.result
  }
}

func bits(_ floats: [Float]) -> [UInt32] { floats.map(\.bitPattern) }

/// Where two outputs differ first, as a sentence's end.
func difference(_ a: [Float], _ b: [Float]) -> String {
  guard a.count == b.count, let place = a.indices.first(where: { a[$0].bitPattern != b[$0].bitPattern }) else { return "the outputs have \(a.count) and \(b.count) elements" }
  return "element \(place) is \(a[place]) once and \(b[place]) another time"
}

func requireSameBits(_ a: [Float], _ b: [Float], _ expected: @autoclosure () -> String) throws { try require(bits(a) == bits(b), expected(), difference(a, b)) }

/// Requires a `PluginError` that says what is wrong.
/// - Returns: the error.
@discardableResult func requireRefusal(_ expected: @autoclosure () -> String, _ body: () throws -> Void) throws -> PluginError {
  do { try body() } catch let error as PluginError {
    try require(!error.message.isEmpty, "\(expected()) with a sentence", "the \(error.code) error has no message")
    return error
  }
  throw Finding.failed(expected(), "it was taken")
}
