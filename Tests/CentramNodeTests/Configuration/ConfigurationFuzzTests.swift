import CentramNode
import Foundation
import Fuzzing
import Testing

@Suite struct ConfigurationFuzzTests {
  private static let pieces = [
    "[", "]", "{", "}", ":", ": ", "- ", "\n", "\n  ", ",", "&a ", "*a", "<<: *a", "? ", "| \n", "'", "\"", "#", "---\n", "...\n", "!!str ", "%", "@", "+", "null",
    "true", "-1", "1e999", ".nan", "\u{FEFF}", "\u{85}", "\0", "é", "😀", "\t", "\\x", "models", "slices", "parameters: ", "layer_range: [2, 1]", "name: x\n",
  ]

  private static func mutate(_ text: String, _ others: [String], _ random: inout FuzzGenerator) -> String {
    var letters = Array(text.unicodeScalars)
    for _ in 0..<Int.random(in: 1...4, using: &random) {
      let at = Int.random(in: 0...letters.count, using: &random)
      let end = min(letters.count, at + Int.random(in: 0...12, using: &random))
      switch Int.random(in: 0..<6, using: &random) {
      case 0: letters.removeSubrange(at..<end)
      case 1: letters.insert(contentsOf: pieces.randomElement(using: &random)!.unicodeScalars, at: at)
      case 2: letters.replaceSubrange(at..<end, with: pieces.randomElement(using: &random)!.unicodeScalars)
      case 3: letters.insert(contentsOf: letters[at..<end], at: Int.random(in: 0...letters.count, using: &random))
      case 4: letters.insert(Unicode.Scalar(UInt32.random(in: 0..<0x250, using: &random))!, at: at)
      default:
        let other = Array(others.randomElement(using: &random)!.unicodeScalars)
        letters.replaceSubrange(at..., with: other[Int.random(in: 0..<other.count, using: &random)...])
      }
    }
    var result = String.UnicodeScalarView()
    result.append(contentsOf: letters)
    return String(result)
  }

  @Test func everyMutationIsAValueOrAMergeError() throws {
    let fuzz = Fuzz("ConfigurationFuzzTests", rounds: 20_000)
    var random = fuzz.random
    let texts = try GoldenMerges.cases().map(GoldenMerges.text)
    let catalog = SampleCatalog.llama(layers: 4)
    var values = 0, errors = 0, plans = 0
    for _ in 0..<fuzz.rounds {
      let text = Self.mutate(texts.randomElement(using: &random)!, texts, &random)
      do throws(MergeError) {
        for document in try MergeDocument.parse(yaml: text, name: "fuzz.yml") {
          guard let info = SampleOperators.all[document.configuration.method] else { continue }
          let catalogs = Dictionary(uniqueKeysWithValues: document.configuration.models.map { ($0, catalog) })
          plans += try MergePlanner.plan(document, info: info, catalogs: catalogs).tensors.isEmpty ? 0 : 1
        }
        values += 1
      } catch {
        errors += 1
        if error.code == .configuration, !error.message.hasPrefix("fuzz.yml:") { Issue.record("\(error.message) for \(text)") }
      }
    }
    // Both must happen, or the mutations are too harsh or too mild to mean anything.
    #expect(plans > 1_000 && errors > 1_000, "\(values) values, \(plans) plans, \(errors) errors")
  }
}
