type Cell = [row: number, col: number];

/** Where keys lead from a cell of a grid; the grid's edge is for who moves. */
export const moves = ([row, col]: Cell, cols: number): Record<string, Cell> => ({
  ArrowUp: [row - 1, col],
  ArrowDown: [row + 1, col],
  ArrowLeft: [row, col - 1],
  ArrowRight: [row, col + 1],
  Home: [row, 0],
  End: [row, cols - 1],
});
