/// README.md of the output: front matter for the hub, then what was merged, how, and out of which files.
struct ModelCard: Sendable {
  var title: String
  /// As the configuration names it.
  var method: String
  /// As the configuration writes them.
  var base: String?
  var parameters: [MergeOutputFiles.Parameter]
  var configuration: String
  var lineage: MergeLineage
  /// Of the Python world, which loads the output.
  var library = "transformers"

  var text: String {
    var text = "---\n"
    text += lineage.inputs.isEmpty ? "base_model: []\n" : "base_model:\n"
    for input in lineage.inputs { text += "- \(Self.quoted(Self.publicName(input)))\n" }
    text += "library_name: \(library)\ntags:\n- merge\n- centram\n---\n\n# \(Self.line(title))\n\n"
    text += "A merge of \(lineage.inputs.count) model\(lineage.inputs.count == 1 ? "" : "s"), made with Centram \(lineage.centramVersion).\n\n"
    text += "## Models\n\n"
    for input in lineage.inputs {
      text += "- \(Self.code(Self.publicName(input)))\(input.reference == base ? " (base)" : "")\n"
    }
    text += "\n## Method\n\n\(Self.code(method)), operator \(Self.code(lineage.operatorID)) \(Self.line(lineage.operatorVersion)), "
    text += "seed \(lineage.seed).\n"
    if !parameters.isEmpty {
      text += "\n| Parameter | Value |\n|---|---|\n"
      for parameter in parameters { text += "| \(Self.cell(parameter.name)) | \(Self.cell(parameter.value)) |\n" }
    }
    text += "\n## Configuration\n\n\(Self.fenced(configuration))\n"
    text += "## Lineage\n\nThe bytes that went in; `lineage.json` holds the same for programs.\n\n"
    text += "| Model | File | Bytes | Hash |\n|---|---|---|---|\n"
    for input in lineage.inputs {
      for file in input.files {
        text += "| \(Self.cell(Self.publicName(input))) | \(Self.cell(file.name)) | \(file.bytes) | \(Self.cell("\(file.algorithm):\(file.hash)")) |\n"
      }
    }
    return text
  }

  /// A hub's name as it is; of a path the folder's name, because the rest is this machine's.
  private static func publicName(_ input: MergeLineage.Input) -> String {
    let isPath = input.reference.hasPrefix("/") || input.reference.hasPrefix(".") || input.reference.hasPrefix("~")
    return isPath ? input.folderName : input.reference
  }

  private static func line(_ text: String) -> String { String(text.map { $0.isNewline ? " " : $0 }) }

  /// A scalar of YAML; JSON's strings are such.
  private static func quoted(_ text: String) -> String {
    String(decoding: OrderedJSON.string(text).serialized().dropLast(), as: UTF8.self)
  }

  private static func code(_ text: String) -> String {
    let fence = String(repeating: "`", count: longestRun(of: "`", in: text) + 1)
    return fence.count == 1 ? "`\(line(text))`" : "\(fence) \(line(text)) \(fence)"
  }

  private static func cell(_ text: String) -> String {
    line(text).reduce(into: "") { $0 += $1 == "|" ? "\\|" : String($1) }
  }

  /// A block of code whose fence is longer than any in the text.
  private static func fenced(_ text: String) -> String {
    let fence = String(repeating: "`", count: max(3, longestRun(of: "`", in: text) + 1))
    return "\(fence)yaml\n\(text)\(text.hasSuffix("\n") ? "" : "\n")\(fence)\n"
  }

  private static func longestRun(of character: Character, in text: String) -> Int {
    var longest = 0, run = 0
    for other in text {
      run = other == character ? run + 1 : 0
      longest = max(longest, run)
    }
    return longest
  }
}
