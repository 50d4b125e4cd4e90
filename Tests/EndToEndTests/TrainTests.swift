import CentramModel
import Foundation
import Testing

/// `centram-host train` as a user runs it, and what a kill, an interrupt and a full disk leave behind.
@Suite struct TrainTests {
  let folder = try! TemporaryFolder()

  private func data() throws -> String {
    try folder.write((0..<60).map { "line \($0): the quick brown fox jumps over the lazy dog, and \($0 * 7919 % 97) more follow.\n" }.joined(), as: "data.txt")
  }

  private func arguments(_ output: String, steps: Int = 12) throws -> [String] {
    [
      "train", "--from-scratch", "gpt-byte", "--data", try data(), "--adapter-path", output, "--iters", "\(steps)", "--batch-size", "2", "--max-seq-length", "65",
      "--save-every", "1", "--steps-per-eval", "0", "--threads", "1",
    ]
  }

  private func checkpoints(_ output: String) -> Int {
    ((try? FileManager.default.contentsOfDirectory(atPath: output + "/checkpoints")) ?? []).compactMap { name in
      name.hasSuffix(".checkpoint") ? Int(name.dropFirst(5).dropLast(11)) : nil
    }.max() ?? 0
  }

  private func bytes(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }

  @Test(arguments: [1, 4, 9]) func aRunThatWasKilledResumesToTheSameBytes(step: Int) throws {
    #expect(try Binary.run(arguments(folder("whole"))).status == 0)
    let running = try Binary.start(arguments(folder("killed")))
    while running.process.isRunning, checkpoints(folder("killed")) < step { usleep(500) }
    kill(running.process.processIdentifier, SIGKILL)
    #expect(running.wait().wasKilled, "it ended before the kill")
    #expect(!FileManager.default.fileExists(atPath: folder("killed/model.safetensors")))
    let result = try Binary.run("train", "--resume", "--adapter-path", folder("killed"))
    #expect(result.status == 0 && result.output.contains("resumed after step "), "\(result.errors)")
    #expect(try bytes(folder("killed/model.safetensors")) == bytes(folder("whole/model.safetensors")))
  }

  @Test(arguments: [SIGINT, SIGTERM]) func anInterruptLeavesACheckpointAndSaysHowToGoOn(signal: Int32) throws {
    let running = try Binary.start(arguments(folder("out"), steps: 100_000))
    while running.process.isRunning, checkpoints(folder("out")) < 2 { usleep(500) }
    kill(running.process.processIdentifier, signal)
    let result = running.wait()
    #expect(result.status == 130 && !result.wasKilled)
    #expect(result.errors.contains("with a checkpoint\ngo on with: centram-host train --resume --adapter-path \(folder("out"))\n"), "\(result.errors)")
    // With other flags it does not go on.
    let other = try Binary.run("train", "--resume", "--adapter-path", folder("out"), "--iters", "5")
    #expect(other.status == 65 && other.errors.contains("leave out the model, the data and the parameters"))
  }

  @Test func fromAToyToAnAdapterAndAPrivateOne() throws {
    #expect(try Binary.run(arguments(folder("toy"))).status == 0)
    let file = try folder.write(
      """
      model: \(folder("toy"))
      data: \(folder("data.txt"))
      fine_tune_type: lora
      iters: 3
      batch_size: 2
      learning_rate: 1e-3
      num_layers: 2
      lora_parameters: {rank: 4, scale: 2.0, dropout: 0.1, keys: [attn_qkv, fc1]}
      lr_schedule: {name: cosine_decay, warmup: 1, arguments: [1e-3, 3, 1e-5]}
      optimizer_config: {adamw: {weight_decay: 0.1, betas: [0.9, 0.95], eps: 1e-8}}
      parameters: {rslora: false}
      """, as: "train.yaml")
    let result = try Binary.run("train", "-c", file, "--adapter-path", folder("adapter"), "--json")
    #expect(result.status == 0, "\(result.errors)")
    let summary = try #require(try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
    let settings = try #require(summary["settings"] as? [String: Any])
    #expect(settings["alpha"] as? Double == 8 && settings["targets"] as? String == "attn_qkv,fc1" && settings["warm_up"] as? Double == 1 && settings["beta2"] as? Double == 0.95)
    let adapter = try Adapter(folder: folder("adapter"))
    #expect(adapter.modules.map(\.name) == ["layers.2.attn_qkv", "layers.2.fc1", "layers.3.attn_qkv", "layers.3.fc1"] && adapter.configuration.baseModel == folder("toy"))
    let home = ["HOME": folder.path]
    let secret = try Binary.run(
      [
        "train", "--model", folder("toy"), "--data", folder("data.txt"), "--trainer", "dp-lora", "--adapter-path", folder("private"), "--iters", "3", "--batch-size", "2",
        "--quiet",
      ],
      environment: home)
    #expect(secret.status == 0, "\(secret.errors)")
    #expect(!FileManager.default.fileExists(atPath: folder("private/checkpoints")))
    #expect(try FileManager.default.attributesOfItem(atPath: folder(".centram/identity"))[.posixPermissions] as? Int == 0o600)
    let record = try #require(try JSONSerialization.jsonObject(with: bytes(folder("private/privacy.json"))) as? [String: Any])
    #expect(record["signature"] is String && (record["record"] as? String)?.contains("\"sampling\":\"poisson\"") == true)
  }

  @Test func refusalsNameTheWayOut() throws {
    _ = try data()
    for (arguments, words) in [
      (["--data", folder("data.txt")], "--model is missing; --from-scratch gpt-byte needs none"), (["--from-scratch", "gpt-byte"], "--data is missing"),
      (["--from-scratch", "gpt-byte", "--data", folder("data.txt"), "--parameter", "rank"], "write key=value"),
      (["--from-scratch", "gpt-byte", "--data", folder("data.txt"), "--parameter", "lerning_rate=1"], "nearest: learning_rate"),
      (["--from-scratch", "gpt-9", "--data", folder("data.txt")], "gpt-byte can"), (["--from-scratch", "gpt-byte", "--data", folder("none")], "no such folder or file"),
      (["--model", folder("none"), "--data", folder("data.txt")], "there is no such file or folder"), (["--fine-tune-type", "dora"], "lora and full are"),
    ] {
      let result = try Binary.run(["train", "--adapter-path", folder("out-\(UUID().uuidString)")] + arguments)
      #expect(result.status == 65 && result.errors.contains(words), "\(arguments): \(result.status) \(result.errors)")
    }
    #expect(try Binary.run("train", "--trainer", "none", "--from-scratch", "gpt-byte", "--data", folder("data.txt")).status == 69)
  }

  /// Runs a script with a small file system in `disk`; nil where the system does not let tests make one.
  private func inSmallFileSystem(_ kilobytes: Int, _ script: String) throws -> Binary.Result? {
    try FileManager.default.createDirectory(atPath: folder("disk"), withIntermediateDirectories: true)
    let running = try Binary.Running(
      "/usr/bin/unshare", ["-rm", "sh", "-c", "mount -t tmpfs -o size=\(kilobytes)k tmpfs \(folder("disk")) || exit 99\n" + script], [:])
    let result = running.wait()
    guard result.status != 99, !result.errors.contains("unshare") else {
      print("this system lets nobody mount in a namespace, so no full disk was tried")
      return nil
    }
    return result
  }

  private func command(_ arguments: [String]) -> String { ([Binary.host] + arguments).joined(separator: " ") }

  @Test func aDiskThatIsTooSmallIsRefusedBeforeTheFirstStep() throws {
    let train = command(try arguments(folder("disk/out")))
    // A checkpoint of the toy has 10 MB; three of them and the result need 34.
    guard let result = try inSmallFileSystem(30_000, "\(train); status=$?; ls \(folder("disk/out/checkpoints")); exit $status") else { return }
    #expect(result.status == 73 && result.errors.contains("bytes are needed for 3 checkpoints and the result"), "\(result.errors)")
    #expect(!result.output.contains("step 1 of") && result.output.hasSuffix("run.json\n"), "\(result.output)")
  }

  @Test func aDiskThatFillsUpLosesNothing() throws {
    let script = """
      \(command(try arguments(folder("disk/out"), steps: 30))) --steps-per-report 1000 &
      while [ ! -e \(folder("disk/out/checkpoints/step-000000003.checkpoint")) ]; do sleep 0.01; done
      cat /dev/zero >\(folder("disk/filler")) 2>/dev/null
      wait $!
      echo status $?
      rm \(folder("disk/filler"))
      \(command(["train", "--resume", "--adapter-path", folder("disk/out"), "--quiet"]))
      echo status $?
      cp \(folder("disk/out/model.safetensors")) \(folder("filled.safetensors"))
      """
    guard let result = try inSmallFileSystem(40_000, script) else { return }
    #expect(result.output.contains("status 73") && result.output.contains("status 0") && result.errors.contains("No space left on device"), "\(result.output) \(result.errors)")
    #expect(try Binary.run(arguments(folder("whole"), steps: 30)).status == 0)
    #expect(try bytes(folder("filled.safetensors")) == bytes(folder("whole/model.safetensors")))
  }
}
