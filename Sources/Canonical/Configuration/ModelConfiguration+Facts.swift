extension ModelConfiguration {
  /// The facts of the model.
  public static let facts: [Fact<ModelConfiguration>] =
    [
      .integer("vocabulary", \.vocabulary),
      .integer("hidden", \.hidden),
      .integer("layers", \.layerCount),
      .integer("positions", \.maximumPositions).meaning(where: { $0.position == .learned }),
      .flag("tied", \.isTied).withoutMeaning,
      .word("class", \.modelClass).withoutMeaning,
      .derived("head") { $0.head }
        .meaning { model, _ in .word(model.head.rawValue) },
      .word("norm", \.norm),
      .number("norm.eps", \.normEpsilon),
      .flag("norm.zero_centred", \.normIsZeroCentred).withoutMeaning,
      .word("position", \.position).meaning { model, _ in
        .word((model.position == .rope && !model.rotates ? .none : model.position).rawValue)
      },
      .number("rope.theta", \.ropeTheta).meaning(where: \.rotates),
      .integer("rope.dim", \.ropeDim).meaning(where: { $0.rotates && $0.ropeDims.count <= 1 }),
      .number("rope.fraction", \.ropeFraction).withoutMeaning,
      .word("rope.side", \.ropeSide).meaning(where: { $0.rotates && !$0.rotatesWholeHeads }),
      .text("rope.sections", \.ropeSections).withoutMeaning,
      .word("rope.scaling", \.ropeScaling.kind).meaning(where: \.rotates),
      .number("rope.factor", \.ropeScaling.factor).meaning(where: {
        $0.rotates && $0.ropeScaling.kind != .none
      }),
      .integer("rope.original_positions", \.ropeScaling.originalPositions).meaning(
        where: \.rotatesByYaRN),
      .number("rope.attention_factor", \.ropeScaling.attentionFactor).meaning { model, _ in
        model.rotatesByYaRN ? .number(model.ropeScaling.magnitude) : nil
      },
      .number("rope.mscale", \.ropeScaling.mscale).withoutMeaning,
      .number("rope.mscale_all_dims", \.ropeScaling.mscaleAllDims).meaning { model, _ in
        model.rotatesLatently && model.ropeScaling.scoreFactor != 1
          ? .number(model.ropeScaling.scoreFactor) : nil
      },
      .number("rope.beta_fast", \.ropeScaling.betaFast).meaning(where: \.rotatesByYaRN),
      .number("rope.beta_slow", \.ropeScaling.betaSlow).meaning(where: \.rotatesByYaRN),
      .flag("rope.truncate", \.ropeScaling.isTruncated).meaning(where: \.rotatesByYaRN),
      .number("embedding.scale", \.embeddingScale),
      .number("logits.divisor", \.logitsDivisor),
      .number("residual.scale", \.residualScale),
      .integer("hyper.streams", \.streams),
      .integer("hyper.rank", \.streamRank).meaning(where: \.hasStreams),
      .word("init.method", \.initMethod).withoutMeaning,
      .number("init.range", \.initRange).withoutMeaning,
      .flag("init.depth_scaled", \.initIsDepthScaled).withoutMeaning,
      .integer("mtp.layers", \.predictionLayers).withoutMeaning,
      .derived("rope.sections_cover", .flag) { .flag($0.ropeSectionsCover) },
      .derived("rope.fitted_sections", .word) {
        ($0.fittedRopeSections ?? $0.ropeSections).map(FactValue.word) ?? .none
      },
      .derived("rope.in_pairs", .flag) { .flag($0.rotatesInPairs) },
      .derived("ngram.single", .flag) { .flag($0.hasSingleNgrams) },
    ]
}
