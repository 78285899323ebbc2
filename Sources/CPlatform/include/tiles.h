#pragma once

/// Products of BF16 in the tile registers of x86-64 processors (AMX).
///
/// Swift reaches no instructions of tiles; these functions are those and nothing else, so that what lies in tiles
/// and in which order they are multiplied is written in Swift. A tile is 16 rows of 64 bytes. Where
/// processor or system has none, the functions do nothing.

/// Asks the system for tiles: 1 where the processor has them for BF16 and the process may use them, else 0.
int tiles_request(void);

/// Shapes the tiles of this thread, before it uses them.
void tiles_begin(void);

/// Gives the tiles of this thread back, so that the system need not save them.
void tiles_end(void);

/// Loads 32 rows of sums, 128 bytes apart and one or two tiles wide.
void tiles_load(const float *sums, int columns);

/// Adds the products of two tiles of weights with one or two tiles of tokens, in each of some parts.
///
/// The tiles of weights lie one behind the other; so do the two of each part of the tokens, of which the second is
/// not read if there is one column.
void tiles_multiply(const void *weights, const void *panel, int parts, int columns);

/// Stores what `tiles_load` loaded and `tiles_multiply` added to.
void tiles_store(float *sums, int columns);
