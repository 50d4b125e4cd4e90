import Foundation
import Testing

/// What a kill, an interrupt and a full disk leave behind.
@Suite struct InterruptTests {
  /// A merge that takes long enough to be caught in the middle, its output standing already from an earlier one.
  private func setUp() throws -> (folder: TemporaryFolder, configuration: String) {
    let folder = try TemporaryFolder()
    try Models.make(in: folder.path, scale: 32)
    return (folder, try folder.write(Models.configuration("della", in: folder.path, perModel: "weight: 0.5, density: 0.5"), as: "config.yml"))
  }

  /// Waits until the merge has a folder of its own, which is when it has begun.
  private func waitForStaging(_ folder: TemporaryFolder, _ process: Process) {
    while process.isRunning, !folder.names.contains(where: { $0.hasPrefix(".out.centram-partial-") }) { usleep(500) }
  }

  private func old(_ folder: TemporaryFolder) throws {
    try FileManager.default.createDirectory(atPath: folder("out"), withIntermediateDirectories: true)
    for name in ["lineage.json", "model.safetensors"] { try Data("old".utf8).write(to: URL(fileURLWithPath: folder("out/" + name))) }
  }

  @Test(arguments: [0, 1, 5, 20, 60]) func aKillLeavesTheOldOutputWhole(milliseconds: Int) throws {
    let (folder, configuration) = try setUp()
    try old(folder)
    let running = try Binary.start(["merge", configuration, folder("out"), "--quiet", "--threads", "1"])
    waitForStaging(folder, running.process)
    usleep(UInt32(milliseconds) * 1000)
    kill(running.process.processIdentifier, SIGKILL)
    let result = running.wait()
    #expect(result.wasKilled, "it ended before the kill: \(result.errors)")
    #expect(try String(contentsOfFile: folder("out/model.safetensors"), encoding: .utf8) == "old")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder("out")).sorted() == ["lineage.json", "model.safetensors"])

    // The next run clears up and replaces.
    let quick = try folder.write(Models.configuration("linear", in: folder.path, base: false), as: "quick.yml")
    #expect(try Binary.run("merge", quick, folder("out"), "--quiet").status == 0)
    #expect(folder.names == ["a", "b", "base", "config.yml", "out", "quick.yml"])
    #expect(try FileManager.default.attributesOfItem(atPath: folder("out/model.safetensors"))[.size] as? Int ?? 0 > 1_000_000)
  }

  @Test(arguments: [SIGINT, SIGTERM]) func anInterruptLeavesNothing(signal: Int32) throws {
    let (folder, configuration) = try setUp()
    let running = try Binary.start(["merge", configuration, folder("out"), "--quiet", "--threads", "1"])
    waitForStaging(folder, running.process)
    usleep(20_000)
    kill(running.process.processIdentifier, signal)
    let result = running.wait()
    #expect(result.status == 130 && !result.wasKilled)
    #expect(result.errors == "error: interrupted; nothing was written\n")
    #expect(folder.names == ["a", "b", "base", "config.yml"])
  }

  /// Runs a merge inside a small file system of its own; nil where the system does not let tests make one.
  private func inSmallFileSystem(_ kilobytes: Int, _ folder: TemporaryFolder, _ configuration: String) throws -> Binary.Result? {
    let script = """
      mount -t tmpfs -o size=\(kilobytes)k tmpfs \(folder("disk")) || exit 99
      mkdir \(folder("disk/out")) && echo old >\(folder("disk/out/lineage.json")) && echo old >\(folder("disk/out/model.safetensors"))
      \(Binary.host) merge \(configuration) \(folder("disk/out")) --quiet
      status=$?
      cat \(folder("disk/out/model.safetensors")) | head -c 10
      ls -A \(folder("disk"))
      exit $status
      """
    try FileManager.default.createDirectory(atPath: folder("disk"), withIntermediateDirectories: true)
    let running = try Binary.Running("/usr/bin/unshare", ["-rm", "sh", "-c", script], [:])
    let result = running.wait()
    return result.status == 99 || result.errors.contains("unshare") ? nil : result
  }

  /// Sizes at which the weights, and at which a file beside them, no longer fits.
  @Test(arguments: [64, 1000, 4096]) func aFullDiskLeavesTheOldOutput(kilobytes: Int) throws {
    let folder = try TemporaryFolder()
    try Models.make(in: folder.path, format: .float32)
    let configuration = try folder.write(Models.configuration("linear", in: folder.path, base: false), as: "config.yml")
    guard let result = try inSmallFileSystem(kilobytes, folder, configuration) else {
      print("this system lets nobody mount in a namespace, so no full disk was tried")
      return
    }
    // 901·333 + 2·777·333 float32 are 3.3 MB.
    if kilobytes < 3300 {
      #expect(result.status == 73)
      #expect(result.errors.contains("No space left on device"))
      #expect(result.output == "old\nout\n")
    } else {
      #expect(result.status == 0, "\(result.errors)")
    }
  }
}
