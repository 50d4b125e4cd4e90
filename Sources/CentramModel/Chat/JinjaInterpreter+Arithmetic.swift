extension JinjaInterpreter {
  func binary(_ sign: String, _ first: JinjaValue, _ second: JinjaValue, _ line: Int) throws(JinjaFailure) -> JinjaValue {
    if sign == "~" {
      let one = first.printed, other = second.printed
      try limit(one.count + other.count, line)
      return .text(one + other)
    }
    switch (sign, first, second) {
    case ("+", .text(let one), .text(let other)):
      try limit(one.count + other.count, line)
      return .text(one + other)
    case ("+", .list(let one), .list(let other)):
      try limit(one.items.count + other.items.count, line)
      return .items(one.items + other.items, isTuple: one.isTuple)
    case ("*", .text(let text), _) where second.whole != nil: return .text(try repeated(text, second.whole ?? 0, line))
    case ("*", _, .text(let text)) where first.whole != nil: return .text(try repeated(text, first.whole ?? 0, line))
    case ("%", .text, _): throw JinjaFailure(.unsupported, "% on a text is not supported", line: line)
    default: return try Self.arithmetic(sign, first, second, line)
    }
  }

  private func repeated(_ text: JinjaText, _ times: Int, _ line: Int) throws(JinjaFailure) -> JinjaText {
    let (count, overflow) = text.count.multipliedReportingOverflow(by: max(times, 0))
    try limit(overflow ? .max : count, line)
    if text.count == 1 { return JinjaText(units: [UInt32](repeating: text.units[0], count: count)) }
    var units: [UInt32] = []
    units.reserveCapacity(count)
    while units.count < count { units.append(contentsOf: text.units) }
    return JinjaText(units: units)
  }

  static func arithmetic(_ sign: String, _ first: JinjaValue, _ second: JinjaValue, _ line: Int) throws(JinjaFailure) -> JinjaValue {
    func tooLarge() -> JinjaFailure { JinjaFailure(.unsupported, "the result of \(sign) is 2⁶³ or more", line: line) }
    if let one = first.whole, let other = second.whole, sign != "/" {
      if ["//", "%"].contains(sign), other == 0 { throw JinjaFailure("a division by zero", line: line) }
      let (result, overflow): (Int, Bool)
      switch sign {
      case "+": (result, overflow) = one.addingReportingOverflow(other)
      case "-": (result, overflow) = one.subtractingReportingOverflow(other)
      case "*": (result, overflow) = one.multipliedReportingOverflow(by: other)
      case "//", "%":
        let (quotient, isOver) = one.dividedReportingOverflow(by: other)
        guard !isOver else { throw tooLarge() }
        // Python rounds down, so that the remainder has the divisor's sign.
        let rest = one - quotient * other, down = rest != 0 && (rest < 0) != (other < 0)
        return .integer(sign == "%" ? down ? rest + other : rest : down ? quotient - 1 : quotient)
      default:
        guard (0...63).contains(other) else { throw JinjaFailure(.unsupported, "a power by \(other); 0 to 63 are supported", line: line) }
        var power = 1
        for _ in 0..<other {
          let (next, isOver) = power.multipliedReportingOverflow(by: one)
          guard !isOver else { throw tooLarge() }
          power = next
        }
        return .integer(power)
      }
      guard !overflow else { throw tooLarge() }
      return .integer(result)
    }
    guard let one = first.number, let other = second.number else { throw JinjaFailure("\(sign) with \(first.kind) and \(second.kind)", line: line) }
    if ["/", "//", "%"].contains(sign), other == 0 { throw JinjaFailure("a division by zero", line: line) }
    switch sign {
    case "+": return .float(one + other)
    case "-": return .float(one - other)
    case "*": return .float(one * other)
    case "/": return .float(one / other)
    case "//": return .float((one / other).rounded(.down))
    case "%": return .float(one - (one / other).rounded(.down) * other)
    default: throw JinjaFailure(.unsupported, "a power of numbers that are not whole", line: line)
    }
  }
}
