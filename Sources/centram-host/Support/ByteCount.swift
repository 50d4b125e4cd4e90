internal import CentramNode

/// Sizes as people write them: 5GB, 500 MB, 1GiB, 1000000. `5B` is five billion, as in mergekit.
enum ByteCount {
  private static let units: [String: Double] = [
    "": 1, "K": 1e3, "KB": 1e3, "KIB": 1024, "M": 1e6, "MB": 1e6, "MIB": 1_048_576, "G": 1e9, "GB": 1e9, "B": 1e9, "GIB": 1_073_741_824, "T": 1e12,
    "TB": 1e12, "TIB": 1_099_511_627_776,
  ]

  static func parse(_ text: String, option: String) throws(MergeError) -> Int {
    let trimmed = text.uppercased().filter { !$0.isWhitespace }
    let digits = trimmed.prefix { $0.isNumber || $0 == "." }
    guard let value = Double(digits), let unit = units[String(trimmed.dropFirst(digits.count))], value * unit >= 1, value * unit < 9e18 else {
      throw MergeError(.configuration, "\(option) \(text): not a size such as 5GB, 500MB or 1000000")
    }
    return Int(value * unit)
  }
}
