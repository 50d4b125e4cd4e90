internal import CentramGenome
internal import CentramModel
internal import CentramPluginAPI

/// What a recipe's parameters say, checked against the operator's list.
struct RecipeSettings {
  let parameters: Parameters
  let seed: UInt64
  let format: NumberFormat

  /// - Throws: `.malformed` for a name that the operator does not know and for a value of the wrong type.
  init(_ recipe: MergeRecipe, _ info: MergeOperatorInfo) throws(GenomePackageError) {
    let place = "the recipe of \(recipe.operatorID.prefix(80))"
    let members: [JSONValue.Member]
    do throws(GenomeError) {
      guard case .object(let found) = try JSONValue(parsing: Array(recipe.parametersJSON.utf8), name: place) else {
        throw GenomeError(.malformed, "its parameters are no JSON object")
      }
      members = found
    } catch { throw GenomePackageError(.malformed, "\(place): \(error.message)") }
    guard info.inputs.contains(recipe.parents.count) else {
      throw GenomePackageError(.malformed, "\(place): \(recipe.parents.count) parents; it takes \(info.inputs.lowerBound) to \(info.inputs.upperBound)")
    }
    var shared: [String: ParameterValue] = [:]
    var perInput: [[String: ParameterValue]] = recipe.parents.map { ["weight": .number(Double($0.basisPoints) / Double(Manifest.wholeWeight))] }
    var seed: UInt64 = 0, format = NumberFormat.float32
    for member in members {
      guard let value = Self.value(member.value) else {
        throw GenomePackageError(.malformed, "\(place): \(member.key.prefix(80)) is neither a number nor a text nor true or false")
      }
      switch (member.key, value) {
      case ("seed", .number(let number)):
        guard let whole = UInt64(exactly: number), whole < 1 << 53 else { throw GenomePackageError(.malformed, "\(place): the seed \(number); from 0 to 2^53 - 1") }
        seed = whole
      case ("format", .string(let text)):
        guard let known = NumberFormat(rawValue: text), known.isFloatingPoint else {
          throw GenomePackageError(.malformed, "\(place): the format \(text.prefix(20)); F32, F16 or BF16")
        }
        format = known
      default:
        let parts = member.key.split(separator: ".", omittingEmptySubsequences: false)
        if parts.count == 2, let input = Int(parts[1]), "\(input)" == parts[1], perInput.indices.contains(input),
          parts[0] == "weight" || info.parameters.contains(where: { $0.name == parts[0] && $0.scope == .perInput })
        {
          perInput[input][String(parts[0])] = value
        } else if info.parameters.contains(where: { $0.name == member.key && $0.scope == .shared }) {
          shared[member.key] = value
        } else {
          throw GenomePackageError(.malformed, "\(place): it has no parameter \(member.key.prefix(80)) for \(recipe.parents.count) parents")
        }
      }
    }
    (parameters, self.seed, self.format) = (Parameters(shared: shared, perInput: perInput), seed, format)
  }

  private static func value(_ value: JSONValue) -> ParameterValue? {
    switch value {
    case .number(let text): Double(text).flatMap { $0.isFinite ? .number($0) : nil }
    case .string(let text): .string(text)
    case .boolean(let flag): .boolean(flag)
    default: nil
    }
  }
}
