/// Functions of double precision from IEEE operations alone, so that they have the same bits on every machine and with every
/// C library. Errors are below 1e-15, relative to the result or to 1: far below half a unit of float32.
enum ElementaryFunctions {
  /// - Parameter x: from -700 to 700.
  static func exp(_ x: Double) -> Double {
    let n = (x * 1.4426950408889634).rounded(.toNearestOrEven)
    // ln 2 in two parts; the first has 32 bits, so that its product with n is exact.
    let r = (x - n * 0x1.62e42feep-1) - n * 0x1.a39ef35793c76p-33
    // Taylor series on |r| ≤ 0.35: the first term left out is 0.35¹⁵ / 15! < 1e-19.
    var sum = 1.0
    for k in stride(from: 14, through: 1, by: -1) { sum = 1 + sum * r / Double(k) }
    return sum * Double(sign: .plus, exponent: Int(n), significand: 1)
  }

  /// The natural logarithm of a positive, normal number.
  static func log(_ x: Double) -> Double {
    var (exponent, m) = (Int(x.exponent), x.significand)
    if m > 1.4142135623730951 { (exponent, m) = (exponent + 1, m / 2) }
    // ln m = 2 artanh s, s = (m - 1) / (m + 1), |s| ≤ 0.1716: the first term left out is 0.1716²³ / 23 < 1e-18.
    let s = (m - 1) / (m + 1)
    let square = s * s
    var sum = 0.0
    for k in stride(from: 21, through: 1, by: -2) { sum = sum * square + 1 / Double(k) }
    let n = Double(exponent)
    return n * 0x1.62e42feep-1 + (n * 0x1.a39ef35793c76p-33 + 2 * s * sum)
  }

  /// Sine and cosine of an angle in radians, by Cody and Waite's reduction.
  /// - Parameter x: at most 2²⁰ in magnitude, so that a quarter turn's parts of 33 bits multiply exactly.
  static func sineAndCosine(_ x: Double) -> (sine: Double, cosine: Double) {
    let n = (x * 0.6366197723675814).rounded(.toNearestOrEven)
    let r = ((x - n * 0x1.921fb544p0) - n * 0x1.0b4611a6p-34) - n * 0x1.3198a2e037073p-69
    let square = r * r
    // Taylor series on |r| ≤ π / 4: the first terms left out are below 1e-19.
    var (sine, cosine) = (1.0, 1.0)
    for k in stride(from: 18, through: 2, by: -2) {
      sine = 1 - sine * square / Double(k * (k + 1))
      cosine = 1 - cosine * square / Double((k - 1) * k)
    }
    sine *= r
    switch Int(n) & 3 {
    case 0: return (sine, cosine)
    case 1: return (cosine, -sine)
    case 2: return (-sine, -cosine)
    default: return (-cosine, sine)
    }
  }
}
