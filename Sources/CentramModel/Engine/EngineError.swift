extension ModelFileError.Code {
  /// More than a model's context, a cache or an engine holds.
  public static let limit = Self(rawValue: "limit")
  /// A request that does not fit the model: a token that it lacks, a cache of another model.
  public static let invalid = Self(rawValue: "invalid")
}
