import Testing

@testable import CentramNode

@Suite struct ModelCardTests {
  private let lineage = MergeLineage(
    inputs: [
      .init(
        reference: "Qwen/Qwen2-0.5B", folder: "/home/user/.cache/snapshots/abc",
        files: [.init(name: "model.safetensors", bytes: 988, algorithm: "sha256", hash: "00ff")]),
      .init(reference: "/home/user/secret/tuned", folder: "/home/user/secret/tuned/", files: []),
    ], operatorID: "centram.ties", operatorVersion: "1.2.0", seed: 42, centramVersion: "0.1.0")

  private func card(configuration: String = "merge_method: ties\n") -> String {
    ModelCard(
      title: "a|b\nc", method: "ties", base: "Qwen/Qwen2-0.5B", parameters: [.init(name: "density", value: "0.5 | 0.6")],
      configuration: configuration, lineage: lineage
    ).text
  }

  @Test func saysWhatWasMergedAndHow() {
    let expected = """
      ---
      base_model:
      - "Qwen/Qwen2-0.5B"
      - "tuned"
      library_name: transformers
      tags:
      - merge
      - centram
      ---

      # a|b c

      A merge of 2 models, made with Centram 0.1.0.

      ## Models

      - `Qwen/Qwen2-0.5B` (base)
      - `tuned`

      ## Method

      `ties`, operator `centram.ties` 1.2.0, seed 42.

      | Parameter | Value |
      |---|---|
      | density | 0.5 \\| 0.6 |

      ## Configuration

      ```yaml
      merge_method: ties
      ```

      ## Lineage

      The bytes that went in; `lineage.json` holds the same for programs.

      | Model | File | Bytes | Hash |
      |---|---|---|---|
      | Qwen/Qwen2-0.5B | model.safetensors | 988 | sha256:00ff |

      """
    #expect(card() == expected)
  }

  @Test func fencesAConfigurationThatHoldsFences() {
    #expect(card(configuration: "chat_template: \"````\"").contains("`````yaml\nchat_template: \"````\"\n`````\n"))
  }

  @Test func lineageHoldsNoPathOfThisMachine() {
    var hidden = lineage
    hidden.inputs[1].reference = "org/tuned"
    let text = String(decoding: hidden.json(outputs: [("model.safetensors", 5)]).serialized(), as: UTF8.self)
    #expect(!text.contains("/home"))
    let expected = """
      {
        "version": 1,
        "centram_version": "0.1.0",
        "operator": {
          "id": "centram.ties",
          "version": "1.2.0"
        },
        "seed": 42,
        "inputs": [
          {
            "reference": "Qwen/Qwen2-0.5B",
            "path": "abc",
            "files": [
              {
                "name": "model.safetensors",
                "bytes": 988,
                "hash_algorithm": "sha256",
                "hash": "00ff"
              }
            ]
          },
          {
            "reference": "org/tuned",
            "path": "tuned",
            "files": []
          }
        ],
        "outputs": [
          {
            "name": "model.safetensors",
            "bytes": 5
          }
        ]
      }

      """
    #expect(text == expected)
  }
}
