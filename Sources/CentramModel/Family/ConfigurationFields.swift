/// Reads the members of config.json by type and within limits; messages name file, key, value and limit.
struct ConfigurationFields {
  let file: String
  private let members: [String: OrderedJSON]

  static let maximumLength = 4 << 20

  init(json: [UInt8], file: String) throws(ModelFileError) {
    guard json.count <= Self.maximumLength else {
      throw ModelFileError(.malformed, "\(file): \(json.count) bytes are more than \(Self.maximumLength)")
    }
    let root: OrderedJSON
    do throws(OrderedJSON.Failure) {
      root = try OrderedJSON(parsing: json)
    } catch {
      throw ModelFileError(.malformed, "\(file): not good JSON: \(error.message) (byte \(error.position))")
    }
    guard case .object(let members) = root else { throw ModelFileError(.malformed, "\(file): not a JSON object") }
    self.init(members, file: file)
  }

  private init(_ members: [OrderedJSON.Member], file: String) {
    self.file = file
    self.members = Dictionary(uniqueKeysWithValues: members.map { ($0.key, $0.value) })
  }

  func malformed(_ message: String) -> ModelFileError { ModelFileError(.malformed, "\(file): \(message)") }
  func unsupported(_ message: String) -> ModelFileError { ModelFileError(.unsupported, "\(file): \(message)") }

  subscript(key: String) -> OrderedJSON? {
    guard let value = members[key], value != .null else { return nil }
    return value
  }
  var keys: [String] { members.keys.sorted() }

  func string(_ key: String) throws(ModelFileError) -> String? {
    guard let value = self[key] else { return nil }
    guard case .string(let text) = value else { throw malformed("\(key) is not a string") }
    return text
  }

  func flag(_ key: String) throws(ModelFileError) -> Bool? {
    guard let value = self[key] else { return nil }
    guard case .boolean(let flag) = value else { throw malformed("\(key) is neither true nor false") }
    return flag
  }

  /// A finite number.
  func number(_ key: String) throws(ModelFileError) -> Double? {
    guard let value = self[key] else { return nil }
    guard case .number(let number) = value else { throw malformed("\(key) is not a number") }
    return number
  }

  func number(_ key: String, in range: ClosedRange<Double>) throws(ModelFileError) -> Double? {
    guard let number = try number(key) else { return nil }
    guard range.contains(number) else { throw malformed("\(key) is \(number), not from \(range.lowerBound) to \(range.upperBound)") }
    return number
  }

  func integer(_ key: String, in range: ClosedRange<Int>) throws(ModelFileError) -> Int? {
    guard let number = try number(key) else { return nil }
    guard let whole = Int(exactly: number) else { throw malformed("\(key) is \(number), not a whole number") }
    guard range.contains(whole) else { throw malformed("\(key) is \(whole), not from \(range.lowerBound) to \(range.upperBound)") }
    return whole
  }

  func required(_ key: String, in range: ClosedRange<Int>) throws(ModelFileError) -> Int {
    guard let value = try integer(key, in: range) else { throw malformed("\(key) is missing") }
    return value
  }

  /// An object; one that is empty counts as missing.
  func object(_ key: String) throws(ModelFileError) -> ConfigurationFields? {
    guard let value = self[key] else { return nil }
    guard case .object(let members) = value else { throw malformed("\(key) is not an object") }
    return members.isEmpty ? nil : ConfigurationFields(members, file: "\(file): \(key)")
  }

  /// One id or a list of ids. Ids that the vocabulary lacks, such as -1, are left out, since no model writes them.
  func tokens(_ key: String, vocabulary: Int) throws(ModelFileError) -> [Int32]? {
    guard let value = self[key] else { return nil }
    let list: [OrderedJSON] = if case .array(let items) = value { items } else { [value] }
    var ids: [Int32] = []
    for item in list {
      guard case .number(let number) = item, let id = Int(exactly: number) else { throw malformed("\(key) holds something other than token ids") }
      if (0..<vocabulary).contains(id), let plain = Int32(exactly: id), !ids.contains(plain) { ids.append(plain) }
      guard ids.count <= ModelLimits.endTokens else { throw malformed("\(key) holds more than \(ModelLimits.endTokens) ids") }
    }
    return ids
  }
}
