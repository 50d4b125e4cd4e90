// Made by Scripts/protobuf from Sources/CentramWire/Proto: numbers and limits of the message types.
// swift-format-ignore-file

/// The type of a message: its family in the high byte, the member in the low byte.
public enum MessageType: UInt16, CaseIterable, Sendable {
  /// First message of a connection, from the end that dialled.
  case hello = 0x0000
  /// Answer to Hello from the end that was dialled.
  case helloReply = 0x0001
  /// Each end proves its identity for this connection.
  case authProof = 0x0002
  /// The proof holds; the session begins.
  case authAccept = 0x0003
  /// The handshake failed; the connection closes after it.
  case authReject = 0x0004
  /// What the sender can do; the first message after the handshake, each way.
  case capabilities = 0x0005
  /// Changes since the last Capabilities or CapabilitiesUpdate.
  case capabilitiesUpdate = 0x0006
  /// Asks for a Pong; keeps the connection, measures it and acknowledges.
  case ping = 0x0007
  /// Answer to Ping.
  case pong = 0x0008
  /// The sender's identity moves to another key.
  case keyRotation = 0x0009
  /// A message was refused.
  case protocolError = 0x000a
  /// The sender ends the session and closes.
  case goodbye = 0x000b
  /// A node is there. Sent to peers, passed on by them, and broadcast on the link.
  case announce = 0x0100
  /// A node goes; its records no longer count.
  case withdraw = 0x0101
  /// Asks a peer for other peers.
  case peerExchangeRequest = 0x0102
  /// Answer to PeerExchangeRequest.
  case peerExchangeReply = 0x0103
  /// Asks for the nodes nearest to a point of the distributed table.
  case findNode = 0x0104
  /// Answer to FindNode.
  case findNodeReply = 0x0105
  /// Asks a node of the table to keep a record.
  case provide = 0x0106
  /// Asks who holds something.
  case findProviders = 0x0107
  /// Answer to FindProviders.
  case findProvidersReply = 0x0108
  /// How a node looks from outside: its address as seen, and whether it can be dialled.
  case observedAddress = 0x0109
  /// A circuit through a relay, which carries ciphertext only.
  case relayOpen = 0x010a
  /// Two ends behind routers, joined by a relay, dial each other at one moment.
  case holePunchSync = 0x010b
  /// Genomes that the sender has.
  case genomeOffer = 0x0200
  /// Genomes that the sender wants; each is answered by GenomeManifest or GenomeDecline.
  case genomeWant = 0x0201
  /// The sender does not want, or does not give, a genome.
  case genomeDecline = 0x0202
  /// A genome's manifest, exactly as its author signed it.
  case genomeManifest = 0x0203
  /// Asks for chunks; each is answered by Chunk or ChunkMissing.
  case chunkRequest = 0x0204
  /// One chunk. Its bytes follow the frame on the stream, outside the signature; they are checked against the hash in the manifest.
  case chunk = 0x0205
  /// Chunks that the sender cannot give.
  case chunkMissing = 0x0206
  /// The receiver has every file and their hashes are right.
  case transferComplete = 0x0207
  /// One end stops a transfer.
  case transferAbort = 0x0208
  /// The receiver's gate let the genome through.
  case genomeAccepted = 0x0209
  /// The receiver's gate refused the genome.
  case genomeRejected = 0x020a
  /// An author takes a genome back; receivers walk its descendants.
  case genomeRevoked = 0x020b
  /// Asks for the manifests of a genome's ancestors.
  case lineageQuery = 0x0300
  /// Answer to LineageQuery.
  case lineageReply = 0x0301
  /// Asks for judgements on genomes.
  case attestationQuery = 0x0302
  /// Judgements, the sender's own or others'.
  case attestation = 0x0303
  /// Asks for measured fitness of genomes.
  case fitnessQuery = 0x0304
  /// Measured fitness, the sender's own or others'.
  case fitnessReport = 0x0305
  /// Asks a peer to evaluate a genome.
  case evaluationRequest = 0x0306
  /// What became of an EvaluationRequest.
  case evaluationResult = 0x0307
  /// Privacy spent, as its node attests; nobody can verify it.
  case privacyStatement = 0x0308
  /// Tells peers of a judgement as it is made.
  case verdictNotice = 0x0309
  /// A genome was put aside, or is free again.
  case quarantineNotice = 0x030a
  /// Evidence that speaks for itself.
  case misbehaviourProof = 0x030b
  /// A coordinator looks for participants.
  case roundAnnounce = 0x0400
  /// A node wants to take part.
  case roundJoin = 0x0401
  /// Answer to RoundJoin.
  case roundWelcome = 0x0402
  /// An outer step begins.
  case roundStart = 0x0403
  /// A participant binds itself to its update before it sees others'.
  case updateCommit = 0x0404
  /// A participant shows its update, a blob that others fetch by hash.
  case updateReveal = 0x0405
  /// The coordinator tells what became of a commitment or an update.
  case updateAck = 0x0406
  /// The coordinator proposes an aggregate that anybody can compute again.
  case aggregateProposal = 0x0407
  /// A participant's vote; at most one a step.
  case aggregateVote = 0x0408
  /// The aggregate of a step is final.
  case aggregateFinal = 0x0409
  /// Where a round stands: from a participant its own line and what it has of others, from the coordinator all.
  case roundStatus = 0x040a
  /// From the coordinator: the round is given up. From a participant: it leaves.
  case roundAbort = 0x040b
  /// Asks a peer to measure itself and its links for the planner.
  case pipelineProbe = 0x0500
  /// Answer to PipelineProbe.
  case pipelineProbeReply = 0x0501
  /// The coordinator's plan, to each of its peers.
  case pipelinePlan = 0x0502
  /// Answer to PipelinePlan.
  case pipelinePlanReply = 0x0503
  /// Asks a stage to load its layers.
  case shardLoad = 0x0504
  /// How far a load is; the last one says ready or failed.
  case shardReady = 0x0505
  /// Opens a pipeline session at one stage; begins the stream that carries activations.
  case sessionOpen = 0x0506
  /// A stage is ready, or refuses.
  case sessionReady = 0x0507
  /// Activations of some positions, to the next stage; to the first, their tokens.
  case activations = 0x0508
  /// Tokens from the last stage to the coordinator.
  case sampledTokens = 0x0509
  /// The cache from a position on is dropped.
  case sessionRewind = 0x050a
  /// A pipeline session ends at one stage.
  case sessionClose = 0x050b
  /// The heads of the sender's accounts, the first step of a reconciliation.
  case ledgerHeads = 0x0600
  /// Asks for entries that are missing.
  case ledgerRangeRequest = 0x0601
  /// Entries of one stretch, in order; several may answer one request.
  case ledgerRange = 0x0602
  /// An owner asks a witness to sign a spend.
  case spendProposal = 0x0603
  /// A witness signs a spend, its lock on disk.
  case witnessSignature = 0x0604
  /// A witness does not sign.
  case witnessRefusal = 0x0605
  /// A spend is final. Offered again until enough witnesses acknowledged it.
  case spendCertificate = 0x0606
  /// How a payment was split over a genome's lineage, so that each can compute it again.
  case royaltyStatement = 0x0607
  /// Two entries of one owner at one place: proof that freezes the account.
  case equivocationProof = 0x0608
  /// An owner asks a witness to open a new epoch of its log, after a crash or a restored backup.
  case rekeyRequest = 0x0609
  /// From a witness its own statement; from the owner all of them, which opens the new epoch.
  case rekeyCertificate = 0x060a
  /// The state of the sender's books in a few bytes; equal heads with unequal balances is a fault.
  case balanceDigest = 0x060b
  /// Asks which of these blobs the receiver has.
  case blobQuery = 0x0700
  /// Answer to BlobQuery, or unasked when a blob is new.
  case blobOffer = 0x0701
  /// Asks for bytes of a blob, or takes the request back.
  case blobRequest = 0x0702
  /// One chunk of a blob, checked against the chunk list, or a refusal.
  case blobChunk = 0x0703
  /// Asks for models.
  case modelQuery = 0x0704
  /// Answer to ModelQuery.
  case modelManifest = 0x0705
  /// Asks a peer to go on with a text.
  case inferenceRequest = 0x0706
  /// Some more of the answer.
  case inferenceDelta = 0x0707
  /// The answer is over.
  case inferenceDone = 0x0708
  /// The answer is no longer wanted.
  case inferenceCancel = 0x0709
  /// A note from one node's user to another's.
  case chatMessage = 0x070a
  /// What became of notes.
  case chatReceipt = 0x070b

  /// Most bytes that a payload of this type may have.
  public var maximumPayload: Int {
    switch self {
    case .authProof, .authAccept, .authReject, .goodbye, .findNode,
      .findProviders, .chunk, .transferComplete, .updateCommit, .sessionReady,
      .sessionRewind, .balanceDigest, .blobRequest, .inferenceCancel: 1024
    case .ping, .pong, .keyRotation, .protocolError, .withdraw,
      .relayOpen, .genomeDecline, .transferAbort, .roundAbort, .pipelinePlanReply,
      .shardReady, .witnessSignature: 2048
    case .peerExchangeRequest, .holePunchSync, .roundJoin, .roundWelcome, .aggregateVote,
      .sessionClose: 4096
    case .hello, .helloReply, .announce, .provide, .observedAddress,
      .pipelineProbeReply, .shardLoad, .chatReceipt: 8192
    case .genomeWant, .chunkRequest, .chunkMissing, .genomeRevoked, .lineageQuery,
      .attestationQuery, .fitnessQuery, .evaluationRequest, .updateReveal, .sessionOpen,
      .blobQuery, .modelQuery: 16384
    case .pipelinePlan: 32768
    case .findNodeReply, .genomeAccepted, .genomeRejected, .evaluationResult, .privacyStatement,
      .verdictNotice, .quarantineNotice, .roundAnnounce, .updateAck, .ledgerRangeRequest,
      .rekeyRequest: 65536
    case .pipelineProbe: 73728
    case .peerExchangeReply, .findProvidersReply, .genomeOffer, .roundStatus, .ledgerHeads,
      .witnessRefusal, .spendCertificate, .equivocationProof, .rekeyCertificate, .blobOffer,
      .chatMessage: 131072
    case .capabilities, .capabilitiesUpdate, .roundStart, .sampledTokens, .inferenceDelta: 262144
    case .attestation, .fitnessReport, .aggregateProposal, .royaltyStatement: 524288
    case .genomeManifest, .misbehaviourProof, .aggregateFinal, .spendProposal, .inferenceDone: 1048576
    case .blobChunk: 1052672
    case .inferenceRequest: 2097152
    case .lineageReply, .ledgerRange, .modelManifest: 4194304
    case .activations: 8396800
    }
  }

  /// The message that a payload of this type is.
  public var message: any WireMessage.Type {
    switch self {
    case .hello: WireHello.self
    case .helloReply: WireHelloReply.self
    case .authProof: WireAuthProof.self
    case .authAccept: WireAuthAccept.self
    case .authReject: WireAuthReject.self
    case .capabilities: WireCapabilities.self
    case .capabilitiesUpdate: WireCapabilitiesUpdate.self
    case .ping: WirePing.self
    case .pong: WirePong.self
    case .keyRotation: WireKeyRotation.self
    case .protocolError: WireProtocolError.self
    case .goodbye: WireGoodbye.self
    case .announce: WireAnnounce.self
    case .withdraw: WireWithdraw.self
    case .peerExchangeRequest: WirePeerExchangeRequest.self
    case .peerExchangeReply: WirePeerExchangeReply.self
    case .findNode: WireFindNode.self
    case .findNodeReply: WireFindNodeReply.self
    case .provide: WireProvide.self
    case .findProviders: WireFindProviders.self
    case .findProvidersReply: WireFindProvidersReply.self
    case .observedAddress: WireObservedAddress.self
    case .relayOpen: WireRelayOpen.self
    case .holePunchSync: WireHolePunchSync.self
    case .genomeOffer: WireGenomeOffer.self
    case .genomeWant: WireGenomeWant.self
    case .genomeDecline: WireGenomeDecline.self
    case .genomeManifest: WireGenomeManifest.self
    case .chunkRequest: WireChunkRequest.self
    case .chunk: WireChunk.self
    case .chunkMissing: WireChunkMissing.self
    case .transferComplete: WireTransferComplete.self
    case .transferAbort: WireTransferAbort.self
    case .genomeAccepted: WireGenomeAccepted.self
    case .genomeRejected: WireGenomeRejected.self
    case .genomeRevoked: WireGenomeRevoked.self
    case .lineageQuery: WireLineageQuery.self
    case .lineageReply: WireLineageReply.self
    case .attestationQuery: WireAttestationQuery.self
    case .attestation: WireAttestation.self
    case .fitnessQuery: WireFitnessQuery.self
    case .fitnessReport: WireFitnessReport.self
    case .evaluationRequest: WireEvaluationRequest.self
    case .evaluationResult: WireEvaluationResult.self
    case .privacyStatement: WirePrivacyStatement.self
    case .verdictNotice: WireVerdictNotice.self
    case .quarantineNotice: WireQuarantineNotice.self
    case .misbehaviourProof: WireMisbehaviourProof.self
    case .roundAnnounce: WireRoundAnnounce.self
    case .roundJoin: WireRoundJoin.self
    case .roundWelcome: WireRoundWelcome.self
    case .roundStart: WireRoundStart.self
    case .updateCommit: WireUpdateCommit.self
    case .updateReveal: WireUpdateReveal.self
    case .updateAck: WireUpdateAck.self
    case .aggregateProposal: WireAggregateProposal.self
    case .aggregateVote: WireAggregateVote.self
    case .aggregateFinal: WireAggregateFinal.self
    case .roundStatus: WireRoundStatus.self
    case .roundAbort: WireRoundAbort.self
    case .pipelineProbe: WirePipelineProbe.self
    case .pipelineProbeReply: WirePipelineProbeReply.self
    case .pipelinePlan: WirePipelinePlan.self
    case .pipelinePlanReply: WirePipelinePlanReply.self
    case .shardLoad: WireShardLoad.self
    case .shardReady: WireShardReady.self
    case .sessionOpen: WireSessionOpen.self
    case .sessionReady: WireSessionReady.self
    case .activations: WireActivations.self
    case .sampledTokens: WireSampledTokens.self
    case .sessionRewind: WireSessionRewind.self
    case .sessionClose: WireSessionClose.self
    case .ledgerHeads: WireLedgerHeads.self
    case .ledgerRangeRequest: WireLedgerRangeRequest.self
    case .ledgerRange: WireLedgerRange.self
    case .spendProposal: WireSpendProposal.self
    case .witnessSignature: WireWitnessSignature.self
    case .witnessRefusal: WireWitnessRefusal.self
    case .spendCertificate: WireSpendCertificate.self
    case .royaltyStatement: WireRoyaltyStatement.self
    case .equivocationProof: WireEquivocationProof.self
    case .rekeyRequest: WireRekeyRequest.self
    case .rekeyCertificate: WireRekeyCertificate.self
    case .balanceDigest: WireBalanceDigest.self
    case .blobQuery: WireBlobQuery.self
    case .blobOffer: WireBlobOffer.self
    case .blobRequest: WireBlobRequest.self
    case .blobChunk: WireBlobChunk.self
    case .modelQuery: WireModelQuery.self
    case .modelManifest: WireModelManifest.self
    case .inferenceRequest: WireInferenceRequest.self
    case .inferenceDelta: WireInferenceDelta.self
    case .inferenceDone: WireInferenceDone.self
    case .inferenceCancel: WireInferenceCancel.self
    case .chatMessage: WireChatMessage.self
    case .chatReceipt: WireChatReceipt.self
    }
  }
}

extension WireHello: WireMessage { public static var messageType: MessageType { .hello } }
extension WireHelloReply: WireMessage { public static var messageType: MessageType { .helloReply } }
extension WireAuthProof: WireMessage { public static var messageType: MessageType { .authProof } }
extension WireAuthAccept: WireMessage { public static var messageType: MessageType { .authAccept } }
extension WireAuthReject: WireMessage { public static var messageType: MessageType { .authReject } }
extension WireCapabilities: WireMessage { public static var messageType: MessageType { .capabilities } }
extension WireCapabilitiesUpdate: WireMessage { public static var messageType: MessageType { .capabilitiesUpdate } }
extension WirePing: WireMessage { public static var messageType: MessageType { .ping } }
extension WirePong: WireMessage { public static var messageType: MessageType { .pong } }
extension WireKeyRotation: WireMessage { public static var messageType: MessageType { .keyRotation } }
extension WireProtocolError: WireMessage { public static var messageType: MessageType { .protocolError } }
extension WireGoodbye: WireMessage { public static var messageType: MessageType { .goodbye } }
extension WireAnnounce: WireMessage { public static var messageType: MessageType { .announce } }
extension WireWithdraw: WireMessage { public static var messageType: MessageType { .withdraw } }
extension WirePeerExchangeRequest: WireMessage { public static var messageType: MessageType { .peerExchangeRequest } }
extension WirePeerExchangeReply: WireMessage { public static var messageType: MessageType { .peerExchangeReply } }
extension WireFindNode: WireMessage { public static var messageType: MessageType { .findNode } }
extension WireFindNodeReply: WireMessage { public static var messageType: MessageType { .findNodeReply } }
extension WireProvide: WireMessage { public static var messageType: MessageType { .provide } }
extension WireFindProviders: WireMessage { public static var messageType: MessageType { .findProviders } }
extension WireFindProvidersReply: WireMessage { public static var messageType: MessageType { .findProvidersReply } }
extension WireObservedAddress: WireMessage { public static var messageType: MessageType { .observedAddress } }
extension WireRelayOpen: WireMessage { public static var messageType: MessageType { .relayOpen } }
extension WireHolePunchSync: WireMessage { public static var messageType: MessageType { .holePunchSync } }
extension WireGenomeOffer: WireMessage { public static var messageType: MessageType { .genomeOffer } }
extension WireGenomeWant: WireMessage { public static var messageType: MessageType { .genomeWant } }
extension WireGenomeDecline: WireMessage { public static var messageType: MessageType { .genomeDecline } }
extension WireGenomeManifest: WireMessage { public static var messageType: MessageType { .genomeManifest } }
extension WireChunkRequest: WireMessage { public static var messageType: MessageType { .chunkRequest } }
extension WireChunk: WireMessage { public static var messageType: MessageType { .chunk } }
extension WireChunkMissing: WireMessage { public static var messageType: MessageType { .chunkMissing } }
extension WireTransferComplete: WireMessage { public static var messageType: MessageType { .transferComplete } }
extension WireTransferAbort: WireMessage { public static var messageType: MessageType { .transferAbort } }
extension WireGenomeAccepted: WireMessage { public static var messageType: MessageType { .genomeAccepted } }
extension WireGenomeRejected: WireMessage { public static var messageType: MessageType { .genomeRejected } }
extension WireGenomeRevoked: WireMessage { public static var messageType: MessageType { .genomeRevoked } }
extension WireLineageQuery: WireMessage { public static var messageType: MessageType { .lineageQuery } }
extension WireLineageReply: WireMessage { public static var messageType: MessageType { .lineageReply } }
extension WireAttestationQuery: WireMessage { public static var messageType: MessageType { .attestationQuery } }
extension WireAttestation: WireMessage { public static var messageType: MessageType { .attestation } }
extension WireFitnessQuery: WireMessage { public static var messageType: MessageType { .fitnessQuery } }
extension WireFitnessReport: WireMessage { public static var messageType: MessageType { .fitnessReport } }
extension WireEvaluationRequest: WireMessage { public static var messageType: MessageType { .evaluationRequest } }
extension WireEvaluationResult: WireMessage { public static var messageType: MessageType { .evaluationResult } }
extension WirePrivacyStatement: WireMessage { public static var messageType: MessageType { .privacyStatement } }
extension WireVerdictNotice: WireMessage { public static var messageType: MessageType { .verdictNotice } }
extension WireQuarantineNotice: WireMessage { public static var messageType: MessageType { .quarantineNotice } }
extension WireMisbehaviourProof: WireMessage { public static var messageType: MessageType { .misbehaviourProof } }
extension WireRoundAnnounce: WireMessage { public static var messageType: MessageType { .roundAnnounce } }
extension WireRoundJoin: WireMessage { public static var messageType: MessageType { .roundJoin } }
extension WireRoundWelcome: WireMessage { public static var messageType: MessageType { .roundWelcome } }
extension WireRoundStart: WireMessage { public static var messageType: MessageType { .roundStart } }
extension WireUpdateCommit: WireMessage { public static var messageType: MessageType { .updateCommit } }
extension WireUpdateReveal: WireMessage { public static var messageType: MessageType { .updateReveal } }
extension WireUpdateAck: WireMessage { public static var messageType: MessageType { .updateAck } }
extension WireAggregateProposal: WireMessage { public static var messageType: MessageType { .aggregateProposal } }
extension WireAggregateVote: WireMessage { public static var messageType: MessageType { .aggregateVote } }
extension WireAggregateFinal: WireMessage { public static var messageType: MessageType { .aggregateFinal } }
extension WireRoundStatus: WireMessage { public static var messageType: MessageType { .roundStatus } }
extension WireRoundAbort: WireMessage { public static var messageType: MessageType { .roundAbort } }
extension WirePipelineProbe: WireMessage { public static var messageType: MessageType { .pipelineProbe } }
extension WirePipelineProbeReply: WireMessage { public static var messageType: MessageType { .pipelineProbeReply } }
extension WirePipelinePlan: WireMessage { public static var messageType: MessageType { .pipelinePlan } }
extension WirePipelinePlanReply: WireMessage { public static var messageType: MessageType { .pipelinePlanReply } }
extension WireShardLoad: WireMessage { public static var messageType: MessageType { .shardLoad } }
extension WireShardReady: WireMessage { public static var messageType: MessageType { .shardReady } }
extension WireSessionOpen: WireMessage { public static var messageType: MessageType { .sessionOpen } }
extension WireSessionReady: WireMessage { public static var messageType: MessageType { .sessionReady } }
extension WireActivations: WireMessage { public static var messageType: MessageType { .activations } }
extension WireSampledTokens: WireMessage { public static var messageType: MessageType { .sampledTokens } }
extension WireSessionRewind: WireMessage { public static var messageType: MessageType { .sessionRewind } }
extension WireSessionClose: WireMessage { public static var messageType: MessageType { .sessionClose } }
extension WireLedgerHeads: WireMessage { public static var messageType: MessageType { .ledgerHeads } }
extension WireLedgerRangeRequest: WireMessage { public static var messageType: MessageType { .ledgerRangeRequest } }
extension WireLedgerRange: WireMessage { public static var messageType: MessageType { .ledgerRange } }
extension WireSpendProposal: WireMessage { public static var messageType: MessageType { .spendProposal } }
extension WireWitnessSignature: WireMessage { public static var messageType: MessageType { .witnessSignature } }
extension WireWitnessRefusal: WireMessage { public static var messageType: MessageType { .witnessRefusal } }
extension WireSpendCertificate: WireMessage { public static var messageType: MessageType { .spendCertificate } }
extension WireRoyaltyStatement: WireMessage { public static var messageType: MessageType { .royaltyStatement } }
extension WireEquivocationProof: WireMessage { public static var messageType: MessageType { .equivocationProof } }
extension WireRekeyRequest: WireMessage { public static var messageType: MessageType { .rekeyRequest } }
extension WireRekeyCertificate: WireMessage { public static var messageType: MessageType { .rekeyCertificate } }
extension WireBalanceDigest: WireMessage { public static var messageType: MessageType { .balanceDigest } }
extension WireBlobQuery: WireMessage { public static var messageType: MessageType { .blobQuery } }
extension WireBlobOffer: WireMessage { public static var messageType: MessageType { .blobOffer } }
extension WireBlobRequest: WireMessage { public static var messageType: MessageType { .blobRequest } }
extension WireBlobChunk: WireMessage { public static var messageType: MessageType { .blobChunk } }
extension WireModelQuery: WireMessage { public static var messageType: MessageType { .modelQuery } }
extension WireModelManifest: WireMessage { public static var messageType: MessageType { .modelManifest } }
extension WireInferenceRequest: WireMessage { public static var messageType: MessageType { .inferenceRequest } }
extension WireInferenceDelta: WireMessage { public static var messageType: MessageType { .inferenceDelta } }
extension WireInferenceDone: WireMessage { public static var messageType: MessageType { .inferenceDone } }
extension WireInferenceCancel: WireMessage { public static var messageType: MessageType { .inferenceCancel } }
extension WireChatMessage: WireMessage { public static var messageType: MessageType { .chatMessage } }
extension WireChatReceipt: WireMessage { public static var messageType: MessageType { .chatReceipt } }
