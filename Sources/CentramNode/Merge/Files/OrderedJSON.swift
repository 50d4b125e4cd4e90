/// A JSON value that keeps the order of its members and the spelling of its numbers, so that a file which is read,
/// patched and written differs only where it was patched.
enum OrderedJSON: Sendable, Equatable {
  case null
  case bool(Bool)
  /// As it was spelt; Python's `NaN`, `Infinity` and `-Infinity` too, which configurations of some models hold.
  case number(String)
  case string(String)
  case array([OrderedJSON])
  case object(Object)

  struct Member: Sendable, Equatable {
    var key: String
    var value: OrderedJSON
  }

  struct Object: Sendable, Equatable, ExpressibleByDictionaryLiteral {
    var members: [Member]

    init(members: [Member] = []) { self.members = members }
    init(dictionaryLiteral elements: (String, OrderedJSON)...) { members = elements.map { Member(key: $0, value: $1) } }

    private func index(_ key: String) -> Int? { members.firstIndex { ExactText($0.key) == ExactText(key) } }

    /// Setting replaces in place or appends; setting nil removes.
    subscript(key: String) -> OrderedJSON? {
      get { index(key).map { members[$0].value } }
      set {
        switch (index(key), newValue) {
        case (let found?, let value?): members[found].value = value
        case (let found?, nil): members.remove(at: found)
        case (nil, let value?): members.append(Member(key: key, value: value))
        case (nil, nil): break
        }
      }
    }

    /// Sets a key; where it is new, right behind `neighbour`.
    mutating func set(_ key: String, _ value: OrderedJSON, after neighbour: String) {
      if index(key) == nil, let place = index(neighbour) {
        members.insert(Member(key: key, value: value), at: place + 1)
      } else {
        self[key] = value
      }
    }
  }

  static func integer(_ value: some BinaryInteger) -> OrderedJSON { .number(String(value)) }
  static func strings(_ values: some Sequence<String>) -> OrderedJSON { .array(values.map { .string($0) }) }

  var object: Object? { if case .object(let object) = self { object } else { nil } }
  var array: [OrderedJSON]? { if case .array(let array) = self { array } else { nil } }
  var string: String? { if case .string(let string) = self { string } else { nil } }
  var bool: Bool? { if case .bool(let bool) = self { bool } else { nil } }
  /// The number, where it is spelt as a whole number that fits.
  var integer: Int? { if case .number(let spelling) = self { Int(spelling) } else { nil } }

  subscript(key: String) -> OrderedJSON? { object?[key] }
}
