/** The kernel's stack of chains (NFT_JUMP_STACK_SIZE): so many jumps in a row are refused. */
export const maxJumps = 16;
