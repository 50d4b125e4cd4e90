import Foundation
import Testing

/// The lineage's hashes are remembered, and never for a file that changed.
@Suite struct HashCacheTests {
  @Test func aChangedFileIsHashedAgain() throws {
    let folder = try TemporaryFolder()
    try Models.make(in: folder.path)
    // Files changed within the last seconds are not remembered, so these get an older time; their inode's time stays new.
    let configuration = try folder.write(Models.configuration("linear", in: folder.path, base: false), as: "config.yml")
    func hashes() throws -> [String] {
      struct Lineage: Decodable {
        struct Input: Decodable { let files: [File] }
        struct File: Decodable { let hash: String }
        let inputs: [Input]
      }
      let result = try Binary.run(["merge", configuration, folder("out"), "--quiet"], environment: ["HOME": folder("home")])
      #expect(result.status == 0, "\(result.errors)")
      return try JSONDecoder().decode(Lineage.self, from: Data(contentsOf: URL(fileURLWithPath: folder("out/lineage.json")))).inputs.map { $0.files[0].hash }
    }
    let first = try hashes()
    // Same size, same time of the last change; one byte differs.
    let path = folder("a/model.safetensors")
    let date = try FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date
    let handle = try FileHandle(forUpdating: URL(fileURLWithPath: path))
    try handle.seek(toOffset: 900_000)
    try handle.write(contentsOf: Data([1]))
    try handle.close()
    try FileManager.default.setAttributes([.modificationDate: try #require(date)], ofItemAtPath: path)
    let second = try hashes()
    #expect(first[0] != second[0] && first[1] == second[1])
  }
}
