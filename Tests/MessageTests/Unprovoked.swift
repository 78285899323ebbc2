/// What the page does not show, with the reason.
///
/// The clauses stand as in the source. A clause that the page shows, or that nobody says any more, fails
/// the test: whoever adds a problem adds a case, or a line here.
enum Unprovoked {
  static let whats = failures.union(races).union(callers).union(rounding).union(layouts)

  /// What only the system or the hardware can bring about: a library that cannot be set up, a disk that
  /// fails, memory that is gone. A scratch file has a name made by chance, so that no page can show it; which kernels
  /// there are depends on the processor.
  private static let failures: Set<String> = [
    #"\(self)"#,
    #"\(variable) names no kernels that this processor can run"#,
    #"cannot create a scratch file: \(error)"#,
    #"cannot map the file: \(Errno(rawValue: errno))"#,
    #"cannot stat the file: \(Errno(rawValue: errno))"#,
    #"not enough memory"#,
    #"not enough memory for \(what)"#,
    #"not enough memory for state, caches and workspace"#,
    #"the file system does not lock files: \(code)"#,
    #"the output would be cut into too many files"#,
    #"the pickle that describes the tensors would be too large"#,
    #"zlib cannot be used"#,
  ]

  /// What needs another process that changes a file at the right moment; `ShortenedFileTests` have one.
  private static let races: Set<String> = [
    #"compressed bytes end early"#,
    #"the file became shorter while it was read"#,
  ]

  /// What even a caller of the modules can hardly bring about: hundred million pairs of pieces would take
  /// minutes, and the readers of configs and files have bounds, or refuse packed weights before, which
  /// keeps the others away.
  private static let callers: Set<String> = [
    #"a distributed tensor is in too many pieces"#,
    #"a matrix without values"#,
    #"a reference without prompts"#,
    #"a tensor of the model has more elements than fit 64 bits"#,
    #"elements that do not fill whole bytes can only be copied as a whole"#,
    #"no weight of the model has rows of whole groups"#,
    #"rows are too long to be rounded by importances"#,
    #"no weight of the model is cut into whole blocks"#,
    #"packed weights differ in what a config says of all"#,
    #"rows that are not stored one after the other cannot be cut or padded"#,
    #"rows that do not lie in order cannot be divided among tensors"#,
    #"the rows of a table of embeddings do not lie whole in it"#,
    #"the output would not be right after the repair"#,
    #"the value has the wrong type"#,
    #"layout \(layout.id) needs \(name), which the model does not have"#,
  ]

  /// What fitting meets only where floats overflow or equations are singular in spite of the ridge.
  private static let rounding: Set<String> = [
    #"the new layer computes values that are not finite"#,
    #"the outputs of the new layer cannot be fitted: the equations are singular"#,
  ]

  /// What only layouts bring about that nobody has written yet: those that are here tear no block and
  /// no part, and every step is a bijection.
  private static let layouts: Set<String> = [
    #"a size is out of range: \(name)"#,
    #"layout \(id) can be inspected and no more"#,
    #"a block of quantised values cannot be torn apart"#,
    #"a rule of the layout is no bijection"#,
    #"a step of the layout cuts through a part: \(part.role)"#,
    #"the layout has no words for what its own config says"#,
    #"the layout reads another model than it wrote the config of"#,
  ]
}
