/// What the page does not show, with the reason.
///
/// The clauses stand as in the source. A clause that the page shows, or that nobody says any more, fails
/// the test: whoever adds a problem adds a case, or a line here.
enum Unprovoked {
  static let whats = failures.union(misuse).union(calibration).union(bytes).union(rare)

  /// What only the system, the hardware or another process can bring about.
  private static let failures: Set<String> = [
    #"\(self)"#,
    #"a file of the source is gone"#,
    #"a link that leads nowhere"#,
    #"another number of bytes was produced than the tensor has"#,
    #"another process is writing this part"#,
    #"cannot create a scratch file: \(error)"#,
    #"cannot map the file: \(Errno(rawValue: errno))"#,
    #"cannot stat the file: \(Errno(rawValue: errno))"#,
    #"compressed bytes end early"#,
    #"not enough memory"#,
    #"the file became shorter while it was read"#,
    #"the header would be too large for a safetensors file"#,
    #"the output does not hold what was written"#,
    #"the tensors do not fit a file"#,
    #"zlib cannot be used"#,
  ]

  /// What another check refuses before, so that only a caller of a module meets it.
  private static let misuse: Set<String> = [
    #"\(LayerShape.role(part)) has another shape than the configuration says"#,
    #"\(name) has another shape than the configuration says"#,
    #"a matrix without values"#,
    #"a number of the archive is too large"#,
    #"a reference without prompts"#,
    #"a size does not fit 64 bits"#,
    #"a size is out of range: \(name)"#,
    #"a size uses a symbol that has no value here"#,
    #"a tensor of the model has more elements than fit 64 bits"#,
    #"a value does not fit its type of metadata"#,
    #"a value without a type of metadata"#,
    #"gdn.\(name) has another shape than the configuration says"#,
    #"only an M²RNN layer can be fitted"#,
    #"the model has no \(part.role)"#,
    #"the model has no \(role)"#,
    #"the segment is too long"#,
    #"the sequence is longer than the state's capacity"#,
    #"the token at position \(position) is not in the vocabulary"#,
    #"there are no tokens to run"#,
  ]

  /// What fitting refuses, which is left to `CalibrationTests`.
  private static let calibration: Set<String> = [
    #"cannot fit an M²RNN layer of this kind"#,
    #"the layer reads or writes values that are not finite"#,
    #"the layer writes the same everywhere, so that there is nothing to fit"#,
    #"the new layer computes values that are not finite"#,
    #"the outputs of the new layer cannot be fitted: the equations are singular"#,
  ]

  /// Faults of bytes that are left to the tests of `Containers` and to the fuzzer.
  private static let bytes: Set<String> = [
    #"\(what) of a distributed tensor"#,
    #"a distributed tensor is in too many pieces"#,
    #"a file of another version of torch.save"#,
    #"a piece is another one than the metadata says"#,
    #"a piece is not a tensor"#,
    #"a piece of a tensor is stored nowhere"#,
    #"a merge is no pair of texts of byte letters"#,
    #"a piece reaches beyond its tensor"#,
    #"a tensor reaches beyond its storage"#,
    #"an added token without text or number"#,
    #"compressed bytes cannot give the size that the archive says"#,
    #"no zip64 end where the archive says"#,
    #"not the metadata of torch.distributed.checkpoint"#,
    #"pieces that were transformed when they were saved"#,
    #"tensors that do not lie in one piece would need more memory than the file"#,
    #"text that is not UTF-8 at offset \(range.lowerBound)"#,
    #"the checkpoint leaves open which tensors are the model"#,
    #"the data ends too early"#,
    #"the file does not say the byte order of its numbers"#,
    #"the file goes on behind its last storage"#,
    #"the file holds a storage that no tensor refers to"#,
    #"the file holds a storage twice"#,
    #"the file is not the part that its name and its neighbours say"#,
    #"the pieces in a file overlap"#,
    #"the vocabulary lacks a token that BPE needs"#,
    #"the zip64 end of the archive lies outside of it"#,
  ]

  /// Rare configs, layout files and conversions, which are left to the tests of their modules.
  private static let rare: Set<String> = [
    #"a block of quantised values cannot be torn apart"#,
    #"elements that do not fill whole bytes can only be copied as a whole"#,
    #"layout \(binding.layout.id) needs \(name), which the model does not have"#,
    #"more than one layout fits this checkpoint"#,
    #"parts of one tensor have types that cannot stand together"#,
    #"tensors that belong together differ in type"#,
    #"values of this type can only be moved, not changed"#,
    #"\(key) is not a multiple of \(over)"#,
    #"\(key) times \(times) is not a whole number"#,
    #"\(key): a layer does not exist or is named twice"#,
    #"\(key): the list does not end with the layers of multi-token prediction"#,
    #"\(key): the other keys say that a layer is of another kind"#,
    #"\(what) claims are not stored"#,
    #"\(what) denies are stored"#,
    #"a layout file names an unknown part"#,
    #"a layout file names an unknown type of metadata"#,
    #"a part does not fit the tensor it is woven into: \(builder.parts[0].role)"#,
    #"a scale has a type that no scale has"#,
    #"a step of the layout cuts through a part: \(part.role)"#,
    #"a step of the layout does not fit its tensor"#,
    #"a woven tensor needs parts that have the woven axis"#,
    #"layers differ in a fact of the model: \(name)"#,
    #"no tensor has the type that the config names"#,
    #"quantised embeddings are not read"#,
    #"the config lacks a key and what its value would follow from"#,
    #"the hidden size or its ratio is out of range"#,
    #"the scales of a weight are not those of its blocks"#,
  ]
}
