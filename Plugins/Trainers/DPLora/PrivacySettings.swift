import CentramPluginAPI
import CentramTrainingSupport

/// Noise, bound and δ of a private training, worked out before its first step.
struct PrivacySettings {
  let delta: Double, noiseMultiplier: Double
  /// Nil: the median.
  let clipNorm: Double?
  let microbatch: Int

  init(_ reader: SettingsReader, _ settings: TrainingSettings, sequences: Int) throws(PluginError) {
    guard sequences >= 2 else { throw PluginError(.invalid, "\(sequences) sequence is too few: nobody can hide in it") }
    // N^−1.1, from the validation gate's rules.
    delta = reader.number("delta") ?? PrivacyAccountant.defaultDelta(sequences: sequences)
    guard delta <= 1 / Double(sequences) else {
      throw PluginError(.invalid, "a delta of \(delta) with \(sequences) sequences would allow one of them to be published whole; at most \(1 / Double(sequences))")
    }
    guard settings.batch <= sequences else { throw PluginError(.invalid, "a batch of \(settings.batch) is more than the \(sequences) sequences") }
    if reader.isGiven("epsilon"), reader.isGiven("noise_multiplier") { throw PluginError(.invalid, "epsilon and noise_multiplier are both given; give one") }
    let (rate, steps, delta) = (Double(settings.batch) / Double(sequences), settings.steps, delta)
    if let given = reader.number("noise_multiplier") {
      noiseMultiplier = given
    } else {
      let epsilon = reader.number("epsilon") ?? 8
      noiseMultiplier = try DPLora.reporting { () throws(AccountingError) in
        try PrivacyAccountant.noiseMultiplier(epsilon: epsilon, delta: delta, samplingRate: rate, steps: steps)
      }
    }
    let text = reader.string("clip_norm") ?? "median"
    if text == "median" {
      clipNorm = nil
    } else {
      guard let number = Double(text), number > 0, number <= 1e9 else { throw PluginError(.invalid, "clip_norm is \"\(text.prefix(40))\", neither a number above 0 nor median") }
      clipNorm = number
    }
    microbatch = reader.integer("microbatch") ?? 8
  }
}
