/// Holds an encoded message to the rules of its fields before anything of it is decoded, so that a few bytes cannot make a decoder allocate many.
///
/// Stricter than Protocol Buffers in two points: a field that is not repeated comes once, and there are no groups. Fields that are not known pass.
struct FieldScan {
  struct Refusal {
    let code: WireError.Code, sentence: String
    init(_ code: WireError.Code, _ sentence: String) { (self.code, self.sentence) = (code, sentence) }
  }

  private let rules: FieldRules
  private let bytes: UnsafeRawBufferPointer
  private var position = 0
  /// A bit for each rule whose field was met.
  private var seen: UInt64 = 0
  /// Items of each repeated field, once there is one.
  private var counts: [Int] = []

  private init(_ rules: FieldRules, _ bytes: UnsafeRawBufferPointer) { (self.rules, self.bytes) = (rules, bytes) }

  /// Why these bytes are refused as the message `type`; nil where they are not.
  static func refusal(of bytes: UnsafeRawBufferPointer, as type: ObjectIdentifier) -> Refusal? {
    guard let rules = FieldRules.all[type] else { return nil }
    var scan = FieldScan(rules, bytes)
    while scan.position < bytes.count { if let refusal = scan.field() { return refusal } }
    return scan.end()
  }

  private mutating func field() -> Refusal? {
    guard let tag = varint(), tag >> 3 > 0, tag >> 3 < 1 << 29 else { return malformed("a field's number") }
    guard let index = rules.index(of: tag >> 3) else { return skip(tag) }
    let rule = rules.rules[index]
    switch (rule.value, tag & 7) {
    case (.uint32, 0), (.uint64, 0), (.other, 0):
      guard let value = varint() else { return malformed(rule.name) }
      if let refusal = meet(index, rule) { return refusal }
      if case .uint32 = rule.value { return integer(UInt64(UInt32(truncatingIfNeeded: value)), rule) }
      return integer(value, rule)
    case (.float, 5), (.double, 1):
      guard let value = real(rule) else { return malformed(rule.name) }
      return meet(index, rule) ?? self.real(value, rule)
    case (.bytes, 2):
      guard let part = part() else { return malformed(rule.name) }
      return meet(index, rule) ?? length(part.count, rule)
    case (.message(let type), 2):
      guard let part = part() else { return malformed(rule.name) }
      return meet(index, rule) ?? Self.refusal(of: part, as: type)
    case (_, 2) where rule.repeated: return packed(index, rule)
    default: return skip(tag)
    }
  }

  private func end() -> Refusal? {
    let missing = rules.needed & ~seen
    guard missing != 0 else { return nil }
    return Refusal(.invalidField, "\(rules.message).\(rules.rules[missing.trailingZeroBitCount].name) is missing")
  }

  private func malformed(_ what: String) -> Refusal { Refusal(.malformedMessage, "\(rules.message): the bytes end in \(what), or it is wrongly encoded") }
  private func invalid(_ rule: FieldRules.Rule, _ what: String) -> Refusal { Refusal(.invalidField, "\(rules.message).\(rule.name) \(what)") }
}

extension FieldScan {
  private mutating func varint() -> UInt64? {
    var value: UInt64 = 0, shift: UInt64 = 0
    while position < bytes.count, shift < 64 {
      let byte = bytes[position]
      position += 1
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
    return nil
  }

  /// Bytes with their length before them.
  private mutating func part() -> UnsafeRawBufferPointer? {
    guard let length = varint(), length <= UInt64(bytes.count - position) else { return nil }
    defer { position += Int(length) }
    return UnsafeRawBufferPointer(rebasing: bytes[position..<position + Int(length)])
  }

  private mutating func fixed<T: FixedWidthInteger>(_: T.Type) -> T? {
    guard bytes.count - position >= MemoryLayout<T>.size else { return nil }
    defer { position += MemoryLayout<T>.size }
    return T(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: T.self))
  }

  private mutating func real(_ rule: FieldRules.Rule) -> Double? {
    if case .float = rule.value { return fixed(UInt32.self).map { Double(Float(bitPattern: $0)) } }
    return fixed(UInt64.self).map(Double.init(bitPattern:))
  }

  private mutating func skip(_ tag: UInt64) -> Refusal? {
    let isWhole =
      switch tag & 7 {
      case 0: varint() != nil
      case 1: fixed(UInt64.self) != nil
      case 2: part() != nil
      case 5: fixed(UInt32.self) != nil
      default: false
      }
    return isWhole ? nil : malformed("field \(tag >> 3)")
  }

  /// Numbers one after the other, in place of a field each.
  private mutating func packed(_ index: Int, _ rule: FieldRules.Rule) -> Refusal? {
    guard let part = part() else { return malformed(rule.name) }
    var inner = FieldScan(rules, part)
    while inner.position < part.count {
      if let refusal = meet(index, rule) { return refusal }
      switch rule.value {
      case .float, .double:
        guard let value = inner.real(rule) else { return malformed(rule.name) }
        if let refusal = self.real(value, rule) { return refusal }
      default: guard inner.varint() != nil else { return malformed(rule.name) }
      }
    }
    return nil
  }
}

extension FieldScan {
  /// Counts a field, or an item of a repeated one.
  private mutating func meet(_ index: Int, _ rule: FieldRules.Rule) -> Refusal? {
    let bit: UInt64 = 1 << UInt64(index)
    defer { seen |= bit }
    guard rule.repeated else { return seen & bit == 0 ? nil : Refusal(.malformedMessage, "\(rules.message).\(rule.name) comes twice") }
    guard case .items(_, let high, _) = rule.bound else { return nil }
    if counts.isEmpty { counts = [Int](repeating: 0, count: rules.rules.count) }
    counts[index] += 1
    return counts[index] <= high ? nil : invalid(rule, "has more than \(high) items")
  }

  private func integer(_ value: UInt64, _ rule: FieldRules.Rule) -> Refusal? {
    guard case .integer(let low, let high) = rule.bound, !(low...high).contains(value) else { return nil }
    return invalid(rule, "is \(value), not \(low) to \(high)")
  }

  private func real(_ value: Double, _ rule: FieldRules.Rule) -> Refusal? {
    guard value.isFinite else { return invalid(rule, "is \(value), not a finite number") }
    switch rule.bound {
    case .real(let low, let high) where !(low...high).contains(value): return invalid(rule, "is \(value), not \(low) to \(high)")
    case .items(_, _, .real(let low, let high)) where !(low...high).contains(value): return invalid(rule, "has an item of \(value), not \(low) to \(high)")
    default: return nil
    }
  }

  private func length(_ count: Int, _ rule: FieldRules.Rule) -> Refusal? {
    switch rule.bound {
    case .length(let low, let high) where !(low...high).contains(count): invalid(rule, "has \(count) bytes, not \(low) to \(high)")
    case .lengthOrNone(let low, let high) where count != 0 && !(low...high).contains(count): invalid(rule, "has \(count) bytes, not 0 or \(low) to \(high)")
    case .items(_, _, .length(let low, let high)) where !(low...high).contains(count): invalid(rule, "has an item of \(count) bytes, not \(low) to \(high)")
    default: nil
    }
  }
}
