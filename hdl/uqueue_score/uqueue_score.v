// SPDX-License-Identifier: MIT
// Copyright (c) The Rackwright authors
/*
 * Which micro-queue to drain next (AEP, arXiv 2505.08944, algorithm 1), in fixed point.
 *
 * A GPU hosts SLOTS experts of each of BLOCKS blocks: a queue for each. The score of a queue is its
 * length plus a decayed sum of the mean lengths of the blocks that follow, round the ring:
 * load(b) = sum over k = 1..look_ahead of decay^k mean(b+k). Modes: defrag, most tokens first (no
 * load), first layer first. Queues of length 0 are never picked; of equal scores the first wins.
 *
 * Eight bits of fraction. The sum is made from its far end, load = (load + mean) * decay / 256 with
 * what is below the fraction cut off: one step a clock for all blocks at once. Then one block a
 * clock is compared with the best so far.
 *
 * Left out: the queues themselves.
 */

`resetall
`timescale 1ns / 1ps
`default_nettype none

module uqueue_score #
(
    parameter BLOCKS = 32,
    parameter SLOTS = 2,
    parameter LENGTH_WIDTH = 16,
    parameter LOOK_AHEAD = 8,        // after reset
    parameter DECAY = 205            // of 256, after reset: 0.8
)
(
    input  wire         clk,
    input  wire         rst,

    // {tag[15:0], amount[15:0], 8'd0, slot[7:0], block[7:0], op[7:0]}
    // op: 1 add amount, 2 drain, 3 pick (slot: 0 defrag, 1 most tokens, 2 first layer),
    // 4 look-ahead amount[7:0] and decay amount[15:8]
    input  wire [63:0]  s_axis_tdata,
    input  wire         s_axis_tvalid,
    output wire         s_axis_tready,
    input  wire         s_axis_tlast,

    // {score[39:0], tag, length[15:0], {refused, 6'd0, none}, slot, block, op}
    // length and score of the queue that was picked; the length before a drain, after an add
    output wire [103:0] m_axis_tdata,
    output wire         m_axis_tvalid,
    input  wire         m_axis_tready,
    output wire         m_axis_tlast
);

localparam [7:0] OP_ADD = 8'd1, OP_DRAIN = 8'd2, OP_PICK = 8'd3, OP_SET = 8'd4;
localparam [7:0] DEFRAG = 8'd0, MOST = 8'd1, FIRST = 8'd2;
localparam [1:0] IDLE = 2'd0, LOAD = 2'd1, SCAN = 2'd2, ANSWER = 2'd3;
localparam SLOT_BITS = $clog2(SLOTS);
localparam WIDE = 40;                // length, fraction, and 255 blocks of it
localparam [15:0] FULL = {16{1'b1}} >> (16 - LENGTH_WIDTH);

initial begin
    if (BLOCKS < 1 || BLOCKS > 255 || LENGTH_WIDTH < 1 || LENGTH_WIDTH > 16) begin
        $error("BLOCKS must be 1 to 255, LENGTH_WIDTH 1 to 16 (instance %m)");
        $finish;
    end
    if (SLOTS < 1 || SLOTS > 64 || (SLOTS & (SLOTS - 1)) != 0) begin
        $error("SLOTS must be a power of two, 1 to 64 (instance %m)");
        $finish;
    end
    if (LOOK_AHEAD < 0 || LOOK_AHEAD > 255 || DECAY < 0 || DECAY > 255) begin
        $error("LOOK_AHEAD and DECAY must be 0 to 255 (instance %m)");
        $finish;
    end
end

reg [15:0] length_reg [0:BLOCKS*SLOTS-1];
reg [22:0] total_reg [0:BLOCKS-1];           // of each block
reg [WIDE-1:0] load_reg [0:BLOCKS-1];
reg [1:0] phase_reg = IDLE;
reg [7:0] look_ahead_reg = LOOK_AHEAD;
reg [7:0] decay_reg = DECAY;
reg [7:0] step_reg = 8'd0;                   // k, from look_ahead down to 1
reg [7:0] ring_reg = 8'd0;                   // k modulo BLOCKS
reg [7:0] block_reg = 8'd0;
reg [63:0] word_reg = 64'd0;
reg last_reg = 1'b0;
reg found_reg = 1'b0;
reg [7:0] best_block_reg = 8'd0, best_slot_reg = 8'd0;
reg [15:0] best_length_reg = 16'd0;
reg [WIDE-1:0] best_score_reg = {WIDE{1'b0}};

integer b, s;
initial for (b = 0; b < BLOCKS; b = b + 1) begin
    total_reg[b] = 23'd0;
    load_reg[b] = {WIDE{1'b0}};
    for (s = 0; s < SLOTS; s = s + 1) length_reg[b*SLOTS + s] = 16'd0;
end

wire [7:0] op = s_axis_tdata[7:0];
wire [7:0] block = s_axis_tdata[15:8];
wire [7:0] slot = s_axis_tdata[23:16];
wire [15:0] amount = s_axis_tdata[47:32];
wire queue_op = op == OP_ADD || op == OP_DRAIN;
wire refused = op == 8'd0 || op > OP_SET || (queue_op && (block >= BLOCKS || slot >= SLOTS))
    || (op == OP_PICK && slot > FIRST);
wire [15:0] row = refused || !queue_op ? 16'd0 : {8'd0, block} * SLOTS + {8'd0, slot};
wire [7:0] total_row = refused || !queue_op ? 8'd0 : block;
wire [15:0] length = length_reg[row];
wire [16:0] grown = {1'b0, length} + {1'b0, amount};
wire [15:0] added = grown > {1'b0, FULL} ? FULL : grown[15:0];

wire pick = op == OP_PICK && !refused;
wire out_ready;
wire answer = phase_reg == ANSWER;
// everything but a pick is answered as it comes
wire direct = phase_reg == IDLE && s_axis_tvalid && !pick;
assign s_axis_tready = phase_reg == IDLE && (pick || out_ready);
wire take = s_axis_tvalid && s_axis_tready;

wire [7:0] mode = word_reg[23:16];

// the best queue of the block that is looked at, and its score
wire [16*SLOTS-1:0] lengths;
genvar place;
generate
    for (place = 0; place < SLOTS; place = place + 1) begin : of_block
        assign lengths[16*place +: 16] = length_reg[block_reg*SLOTS + place];
    end
endgenerate
reg block_found;
reg [7:0] block_slot;
reg [15:0] block_length;
always @* begin
    block_found = 1'b0;
    block_slot = 8'd0;
    block_length = 16'd0;
    for (s = SLOTS - 1; s >= 0; s = s - 1) begin
        if (lengths[16*s +: 16] != 16'd0
            && (mode == FIRST || lengths[16*s +: 16] >= block_length)) begin
            block_found = 1'b1;
            block_slot = s[7:0];
            block_length = lengths[16*s +: 16];
        end
    end
end
wire [WIDE-1:0] score = (mode == DEFRAG ? load_reg[block_reg] : {WIDE{1'b0}})
    + {{WIDE-24{1'b0}}, block_length, 8'd0};
wire better = block_found && (!found_reg || (mode != FIRST && score > best_score_reg));

// load(b) = (load(b) + mean(b + k)) * decay / 256
wire [WIDE*BLOCKS-1:0] loads;
genvar ring;
generate
    for (ring = 0; ring < BLOCKS; ring = ring + 1) begin : load
        wire [8:0] ahead = ring + {1'b0, ring_reg};
        wire [7:0] from = ahead >= BLOCKS ? ahead - BLOCKS : ahead[7:0];
        wire [WIDE-1:0] mean = {{WIDE-31{1'b0}}, total_reg[from], 8'd0} >> SLOT_BITS;
        wire [WIDE+7:0] product = {8'd0, load_reg[ring] + mean} * {{WIDE{1'b0}}, decay_reg};
        assign loads[WIDE*ring +: WIDE] = product[WIDE+7:8];
    end
endgenerate

wire [7:0] last_step = look_ahead_reg;
wire [15:0] wrapped = {8'd0, look_ahead_reg} % BLOCKS;

always @(posedge clk) begin
    case (phase_reg)
        IDLE: if (take) begin
            word_reg <= s_axis_tdata;
            last_reg <= s_axis_tlast;
            if (op == OP_ADD && !refused) begin
                length_reg[row] <= added;
                total_reg[total_row] <= total_reg[total_row] + {7'd0, added} - {7'd0, length};
            end
            if (op == OP_DRAIN && !refused) begin
                length_reg[row] <= 16'd0;
                total_reg[total_row] <= total_reg[total_row] - {7'd0, length};
            end
            if (op == OP_SET) begin
                look_ahead_reg <= amount[7:0];
                decay_reg <= amount[15:8];
            end
            if (pick) begin
                phase_reg <= slot == DEFRAG && look_ahead_reg != 8'd0 ? LOAD : SCAN;
                step_reg <= last_step;
                ring_reg <= wrapped[7:0];
                block_reg <= 8'd0;
                found_reg <= 1'b0;
                for (b = 0; b < BLOCKS; b = b + 1) load_reg[b] <= {WIDE{1'b0}};
            end
        end
        LOAD: begin
            for (b = 0; b < BLOCKS; b = b + 1) load_reg[b] <= loads[WIDE*b +: WIDE];
            step_reg <= step_reg - 8'd1;
            ring_reg <= ring_reg == 8'd0 ? BLOCKS - 1 : ring_reg - 8'd1;
            if (step_reg == 8'd1) begin
                phase_reg <= SCAN;
            end
        end
        SCAN: begin
            if (better) begin
                found_reg <= 1'b1;
                best_block_reg <= block_reg;
                best_slot_reg <= block_slot;
                best_length_reg <= block_length;
                best_score_reg <= score;
            end
            block_reg <= block_reg + 8'd1;
            if (block_reg == BLOCKS - 1) begin
                phase_reg <= ANSWER;
            end
        end
        default: if (out_ready) begin
            phase_reg <= IDLE;
        end
    endcase

    if (rst) begin
        phase_reg <= IDLE;
        look_ahead_reg <= LOOK_AHEAD;
        decay_reg <= DECAY;
        for (b = 0; b < BLOCKS; b = b + 1) begin
            total_reg[b] <= 23'd0;
            for (s = 0; s < SLOTS; s = s + 1) length_reg[b*SLOTS + s] <= 16'd0;
        end
    end
end

wire [103:0] picked = {best_score_reg, word_reg[63:48], best_length_reg, 8'd0, best_slot_reg,
    best_block_reg, OP_PICK};
wire [103:0] nothing = {40'd0, word_reg[63:48], 16'd0, 8'h01, 16'd0, OP_PICK};
wire [15:0] shown = op == OP_ADD ? added : op == OP_DRAIN ? length : 16'd0;
wire [103:0] done = {40'd0, s_axis_tdata[63:48], refused ? 16'd0 : shown, refused, 7'd0, slot, block,
    op};

axis_skid #
(
    .DATA_WIDTH(104)
)
out
(
    .clk(clk),
    .rst(rst),
    .s_axis_tdata(answer ? (found_reg ? picked : nothing) : done),
    .s_axis_tvalid(answer || direct),
    .s_axis_tready(out_ready),
    .s_axis_tlast(answer ? last_reg : s_axis_tlast),
    .m_axis_tdata(m_axis_tdata),
    .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tready(m_axis_tready),
    .m_axis_tlast(m_axis_tlast)
);

endmodule

`resetall
