import CentramHost
import CentramPluginAPI
import Foundation
import Testing

@Suite struct FunctionTableTests {
  /// A plugin around the kernels that know nothing of Centram, in this process or in one of its own.
  private func host(
    _ kind: PluginKind, _ function: [String: Any], parameters: [[String: Any]] = [], needs: [String: Any] = [:], services: any HostServices = DefaultHostServices(),
    isolated: Bool = false
  ) throws -> PluginHost {
    let folder = try Workshop.folder()
    try Workshop.plugin(Workshop.library("kernels"), id: "acme.kernel", kind: kind, in: folder) { manifest in
      manifest["lanes"] = ["ffi"]
      manifest["functions"] = [kind == .mergeOperator ? "merge_block" : "judge": function]
      (manifest["parameters"], manifest["needs"]) = (parameters, needs)
    }
    return isolated ? Isolated.host(folder, services: services) : Workshop.host(folder, services: services)
  }

  private let blend: [String: Any] = [
    "symbol": "acme_blend", "result": ["role": "status", "type": "i32"],
    "arguments": [
      ["role": "inputs", "type": "pointer"], ["role": "input_count", "type": "u32"], ["role": "count", "type": "u64"],
      ["role": "input_parameters", "type": "pointer", "name": "weight", "elements": "f64"],
      ["role": "parameter", "type": "f64", "name": "strength"], ["role": "output", "type": "pointer"],
    ],
  ]
  private let blendParameters: [[String: Any]] = [
    ["name": "weight", "type": "number", "scope": "per-input", "required": true, "summary": "share"], ["name": "strength", "type": "number", "default": 1, "limits": [-1, 2]],
  ]

  @Test(arguments: [false, true]) func callsAKernelOnEachBlock(isolated: Bool) throws {
    let host = try host(.mergeOperator, blend, parameters: blendParameters, needs: ["base_is_input": true, "inputs": [2, 3]], isolated: isolated)
    let blend = try host.mergeOperator("kernel")
    #expect(host.snapshot().records.first?.placement == (isolated ? .isolated : .inProcess))
    #expect(blend.info.inputs == 2...3 && blend.info.needs == .baseAsInput && blend.info.parameters[0].isRequired)
    #expect(blend.info.parameters[1].defaultValue == .number(1) && blend.info.parameters[1].limits == -1...2)
    let driver = LendingDriver([[1, 2, 3], [10, 20, 30]], blockSize: 2)
    #expect(try blend.merged(driver, weights: [1, 0.5], shared: ["strength": .number(2)]) == [12, 24, 36])
  }

  @Test(arguments: [false, true]) func handsOnTheKernelsStatusAndNamesWhatIsMissing(isolated: Bool) throws {
    let blend = try host(.mergeOperator, blend, parameters: blendParameters, isolated: isolated).mergeOperator("kernel")
    let status = try #require(throws: PluginError.self) { _ = try blend.merged(LendingDriver([[1]]), weights: [1], shared: ["strength": .number(-1)]) }
    #expect(status == PluginError(.limitExceeded, "acme_blend returned 7 for blk.0.weight"))
    let missing = try #require(throws: PluginError.self) { _ = try blend.merged(LendingDriver([[1]]), shared: ["strength": .number(1)]) }
    #expect(missing.message == "parameter weight is missing for input 0")
  }

  @Test(arguments: [false, true]) func givesAKernelCallbacksThatKnowWhatTheyStandFor(isolated: Bool) throws {
    let dropout: [String: Any] = [
      "symbol": "acme_dropout",
      "arguments": [
        ["role": "count", "type": "u64"], ["role": "uniform_at", "type": "pointer"], ["role": "value_at", "type": "pointer"],
        ["role": "constant", "type": "f64", "value": 0.25], ["role": "output", "type": "pointer"],
      ],
    ]
    let operation = try #require(try host(.mergeOperator, dropout, needs: ["seed": true], isolated: isolated).mergeOperator("kernel") as? any TensorMerging)
    func run(_ blockSize: Int, seed: UInt64) throws -> [Float] {
      let driver = LendingDriver([(0..<10_000).map { Float($0 + 1) }], blockSize: blockSize)
      try operation.merge(.vector(driver, seed: seed))
      return driver.result
    }
    let whole = try run(.max, seed: 1)
    #expect(try run(7, seed: 1) == whole && run(.max, seed: 2) != whole)
    let dropped = whole.count { $0 == 0 }
    #expect((2300...2700).contains(dropped), "\(dropped) of 10,000 dropped at a rate of 0.25")
    #expect(whole.enumerated().allSatisfy { $1 == 0 || $1 == Float($0 + 1) })
  }

  private func judge(_ host: PluginHost, direction: GateDirection = .inbound, hash: UInt8 = 0, policy: String = "{}", size: Int = 4) async throws -> Verdict {
    let weights = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 8)
    weights.initializeMemory(as: UInt8.self, repeating: 10)
    defer { weights.deallocate() }
    return try await host.gateLayer("kernel").judge(
      GenomeCandidate(
        direction: direction, contentHash: [hash] + [UInt8](repeating: 0, count: 31), manifest: [], manifestSignature: [], adapterConfiguration: [],
        weights: UnsafeRawBufferPointer(weights), policyJSON: policy))
  }

  @Test(arguments: [false, true]) func judgesByAScoreInsideARange(isolated: Bool) async throws {
    let log = LogCollector()
    let mean: [String: Any] = [
      "symbol": "acme_mean_byte", "result": ["role": "score", "type": "f64", "accept": [0, 12]] as [String: Any],
      "arguments": [
        ["role": "weights", "type": "pointer"], ["role": "weights_size", "type": "u64"], ["role": "parameter", "type": "f32", "name": "bias"],
        ["role": "evidence", "type": "pointer"], ["role": "log", "type": "pointer"],
      ],
    ]
    let host = try host(
      .gateLayer, mean, parameters: [["name": "bias", "type": "number", "default": 1.5]], needs: ["position": 12, "directions": ["outbound"]],
      services: log.services, isolated: isolated)
    #expect(try await judge(host) == Verdict(.accept, evidence: [.init("sum", "40"), .init("acme_mean_byte", "11.5")]))
    let high = try await judge(host, policy: #"{"bias":4,"other":"x"}"#)
    #expect(high.decision == .reject(reason: "acme_mean_byte gives 14.0; accepted is 0.0 to 12.0"))
    let info = try host.gateLayer("kernel").info
    #expect(info.position == 12 && info.directions == [.outbound])
    // From another process a line comes when it comes.
    if !isolated { #expect(log.all == ["info acme.kernel: measured", "info acme.kernel: measured"]) }
  }

  @Test(arguments: [false, true]) func judgesByADecision(isolated: Bool) async throws {
    let decide: [String: Any] = [
      "symbol": "acme_decide", "result": ["role": "decision", "type": "i32"],
      "arguments": [["role": "direction", "type": "i32"], ["role": "content_hash", "type": "pointer"], ["role": "weights_size", "type": "i64"]],
    ]
    let host = try host(.gateLayer, decide, isolated: isolated)
    #expect(try await judge(host).decision == .accept)
    #expect(try await judge(host, hash: 1).decision == .reject(reason: "acme_decide says so"))
    #expect(try await judge(host, direction: .outbound).decision == .quarantine(reason: "acme_decide says so"))
    let strange = await #expect(throws: PluginError.self) { _ = try await judge(host, size: 101) }
    #expect(strange?.message == "acme_decide decided 9; a function table decides 0, 2 or 3")
  }

  @Test(arguments: [
    ("a role of another kind", "weights", "pointer", "a merge-operator has no argument weights"),
    ("a number as a pointer", "count", "pointer", "count cannot have the type pointer"),
    ("a pointer as a number", "output", "u64", "output cannot have the type u64"),
    ("a parameter without its description", "parameter", "f64", "needs a shared number of this name"),
    ("an unknown role", "outptu", "pointer", "role \"outptu\" is unknown; nearest: output"), ("an unknown type", "count", "u63", "type \"u63\" is unknown; nearest: u64"),
    ("a short seed", "seed", "u32", "seed has the type u64"),
  ])
  func refusesADescriptionThatCannotBe(name: String, role: String, type: String, sentence: String) throws {
    let host = try host(.mergeOperator, ["symbol": "acme_blend", "arguments": [["role": role, "type": type, "name": "rate"].filter { $0.key != "name" || role == "parameter" }]])
    let reason = host.snapshot().records.first?.reason ?? ""
    #expect(reason.contains(sentence), "\(reason)")
  }

  @Test func refusesAFunctionThatTheLibraryHasNot() throws {
    let host = try host(.mergeOperator, ["symbol": "acme_blnd", "arguments": [[String: Any]]()])
    let error = try #require(throws: HostError.self) { _ = try host.mergeOperator("kernel") }
    #expect(error.code.rawValue == "entry" && error.message.contains("it exports no function acme_blnd; nearest: acme_blend"))
  }

  @Test func servesNoOtherKind() throws {
    let reason = try host(.trainer, ["symbol": "f", "arguments": [[String: Any]]()]).snapshot().records.first?.reason
    #expect(reason == "plugin.json: the ffi lane serves the kinds merge-operator and gate-layer, not trainer")
  }
}
