public import CentramWire
internal import Foundation

/// Somebody waits for the result of an evaluation.
struct EvaluationWaiter: Sendable {
  let peer: NodeKey
  let signal: Signal
  var result: WireEvaluationResult?
}

/// Evaluations that peers carry out for each other.
extension GenomeExchange {
  nonisolated func registerEvaluations(_ handlers: HandlerRegistry) {
    handlers.on(WireEvaluationRequest.self) { message, incoming in try await self.take(message, from: incoming.peer) }
    handlers.on(WireEvaluationResult.self) { message, incoming in
      await self.take(message, from: incoming.peer)
      return nil
    }
  }

  /// The request is answered at once; the result follows.
  private func take(_ request: WireEvaluationRequest, from peer: NodeKey) async throws(SessionError) -> WireEvaluationResult {
    try await require(.queriesPerPeerAndMinute, peer)
    counters.add(.evaluationRequests)
    var answer = WireEvaluationResult()
    answer.job = request.job
    guard let evaluator = hooks.evaluator else { return refuse(answer, "this node evaluates nothing for others") }
    guard request.deadlineMs > UInt64(max(0, nowMilliseconds)) else { return refuse(answer, "the deadline is over") }
    guard evaluationsAtWork < settings[.evaluations] else {
      counters.reached(.evaluations)
      return refuse(answer, "evaluations is \(settings[.evaluations])")
    }
    evaluationsAtWork += 1
    answer.status = .accepted
    let begun = node.clock.monotonicNanoseconds
    scope.start { await self.evaluate(request, for: peer, evaluator, begun) }
    return answer
  }

  private func refuse(_ answer: WireEvaluationResult, _ sentence: String) -> WireEvaluationResult {
    counters.add(.evaluationsRefused)
    var answer = answer
    (answer.status, answer.message) = (.refused, sentence)
    return answer
  }

  private func evaluate(
    _ request: WireEvaluationRequest, for peer: NodeKey, _ evaluator: @Sendable (WireEvaluationRequest, NodeKey) async throws -> [WireFitnessRecord], _ begun: UInt64
  ) async {
    var result = WireEvaluationResult()
    result.job = request.job
    do {
      for record in try await evaluator(request, peer).prefix(8) {
        var record = record
        record.job = request.job
        result.records.append(try WireSigned(record, by: signer, domain: .fitness))
      }
      result.status = .done
    } catch { (result.status, result.message) = (.failed, "\(error)".prefix(utf8: 1024)) }
    result.elapsedMs = UInt32(clamping: min((node.clock.monotonicNanoseconds - begun) / 1_000_000, 604_800_000))
    evaluationsAtWork -= 1
    _ = try? await node.session(with: peer)?.send(result, reliably: true)
  }

  private func take(_ result: WireEvaluationResult, from peer: NodeKey) async {
    let job = [UInt8](result.job)
    guard let waiter = evaluations[job], waiter.peer == peer, result.status != .accepted else { return await unasked(peer) }
    evaluations[job]?.result = result
    waiter.signal.send()
  }

  /// Has a peer evaluate a genome and waits for the result.
  /// - Throws: `.refused` with the peer's sentence, `.timedOut`, `.malformed`.
  public func requestEvaluation(_ request: WireEvaluationRequest, of peer: NodeKey) async throws(SessionError) -> [WireFitnessRecord] {
    guard let session = await node.session(with: peer) else { throw SessionError(.disconnected, "the peer is not connected") }
    let job = [UInt8](request.job), signal = Signal()
    guard evaluations[job] == nil else { throw SessionError(.configuration, "there is a job of that name already") }
    evaluations[job] = EvaluationWaiter(peer: peer, signal: signal)
    defer { evaluations[job] = nil }
    let answer = try await session.request(request, for: WireEvaluationResult.self)
    guard answer.job == request.job else { throw SessionError(.malformed, "the answer is to another job") }
    guard answer.status == .accepted else { throw SessionError(.refused, "the peer does not evaluate it: \(answer.message)") }
    _ = try? await node.clock.withDeadline(milliseconds: settings[.evaluationMilliseconds]) {
      signal.send()
    } _: {
      await signal.wait()
    }
    guard let result = evaluations[job]?.result else {
      counters.reached(.evaluationMilliseconds)
      throw SessionError(.timedOut, "no result came within \(settings[.evaluationMilliseconds]) ms")
    }
    guard result.status == .done else { throw SessionError(.refused, "the evaluation failed: \(result.message)") }
    let records = try await take(result.records, from: peer)
    guard records.allSatisfy({ $0.signer == peer && $0.record.genome == request.genome && $0.record.job == request.job }) else {
      throw SessionError(.malformed, "the result is of another job, or signed by another node")
    }
    return records.map(\.record)
  }
}
