// SPDX-License-Identifier: Apache-2.0

/// A pure function from an event and a read-only view to postings. Integers only: micro-CEN.
public protocol EconomyRule: Sendable {
  /// Postings that sum to zero. The same event and view give the same postings in the same order.
  /// - Throws: `.limitExceeded` on overflow; nothing saturates.
  func postings(for event: EconomyEvent, in view: any LedgerView) throws(PluginError) -> [Posting]
}

public struct EconomyEvent: Sendable, Equatable {
  /// `payment`, `inference`, `epoch`.
  public var type: String
  /// Micro-CEN.
  public var amount: Int64
  /// The genome or model that it is about, hex.
  public var subject: String
  /// Accounts, hex.
  public var payer: String, payee: String
  /// A JSON object with what else the type carries.
  public var detailsJSON: String
  public init(type: String, amount: Int64, subject: String, payer: String, payee: String, detailsJSON: String = "{}") {
    (self.type, self.amount, self.subject) = (type, amount, subject)
    (self.payer, self.payee, self.detailsJSON) = (payer, payee, detailsJSON)
  }
}

public protocol LedgerView: Sendable {
  func owner(ofGenome id: String) -> String?
  func generation(ofGenome id: String) -> Int?
  /// With their merge weights; these sum to 10,000 basis points. Empty for a root or an unknown genome.
  func parents(ofGenome id: String) -> [LineageEntry.Parent]
  func balance(ofAccount account: String) -> Int64?
}

public struct Posting: Sendable, Equatable {
  public var account: String
  /// Positive: the account receives.
  public var microCEN: Int64
  public var memo: String
  public init(account: String, microCEN: Int64, memo: String = "") {
    (self.account, self.microCEN, self.memo) = (account, microCEN, memo)
  }
}
