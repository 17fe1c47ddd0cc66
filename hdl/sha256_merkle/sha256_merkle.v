// SPDX-License-Identifier: MIT
// Copyright (c) The Rackwright authors
/*
 * Merkle tree over chunks with SHA-256 (FIPS 180-4), shaped and prefixed as RFC 6962 has it.
 *
 * A frame is one leaf: SHA-256(00 || bytes). Two neighbours give SHA-256(01 || left || right). Every
 * hash is put out as soon as it is known, the root last and marked. Leaves may be of any number; the
 * tree is then as unbalanced as RFC 6962 says: finished subtrees wait in one slot a level and are
 * folded from the right when the tree ends.
 *
 * One round of the compression a clock, one block under way. The prefix byte makes every message one
 * byte longer than its beats: the buffer holds 65 bytes, the last of which starts the next block.
 *
 * Left out: tkeep (leaves are whole beats), several cores side by side.
 */

`resetall
`timescale 1ns / 1ps
`default_nettype none

module sha256_merkle #
(
    parameter DATA_WIDTH = 64,
    parameter DEPTH = 8
)
(
    input  wire                  clk,
    input  wire                  rst,

    // {last leaf of the tree (on the beat with tlast), bytes, first byte lowest}; a frame is a leaf
    input  wire [DATA_WIDTH:0]   s_axis_tdata,
    input  wire                  s_axis_tvalid,
    output wire                  s_axis_tready,
    input  wire                  s_axis_tlast,

    // {overflow, root, 6'd0, level[7:0], place on the level[15:0], hash[255:0], first byte lowest}
    output wire [287:0]          m_axis_tdata,
    output wire                  m_axis_tvalid,
    input  wire                  m_axis_tready,
    output wire                  m_axis_tlast
);

localparam BYTES = DATA_WIDTH/8;

initial begin
    if (DATA_WIDTH != 64 && DATA_WIDTH != 128 && DATA_WIDTH != 256 && DATA_WIDTH != 512) begin
        $error("DATA_WIDTH must be 64, 128, 256 or 512 (instance %m)");
        $finish;
    end
    if (DEPTH < 1 || DEPTH > 16) begin
        $error("DEPTH must be 1 to 16: at most 2^DEPTH leaves (instance %m)");
        $finish;
    end
end

localparam [2:0] FILL = 3'd0, NEXT = 3'd1, ROUNDS = 3'd2, ADD = 3'd3, EMIT = 3'd4;

localparam [255:0] START = {
    32'h5be0cd19, 32'h1f83d9ab, 32'h9b05688c, 32'h510e527f,
    32'ha54ff53a, 32'h3c6ef372, 32'hbb67ae85, 32'h6a09e667};     // a lowest

function [31:0] constant;
    input [5:0] index;
    case (index)
        6'd0: constant = 32'h428a2f98; 6'd1: constant = 32'h71374491;
        6'd2: constant = 32'hb5c0fbcf; 6'd3: constant = 32'he9b5dba5;
        6'd4: constant = 32'h3956c25b; 6'd5: constant = 32'h59f111f1;
        6'd6: constant = 32'h923f82a4; 6'd7: constant = 32'hab1c5ed5;
        6'd8: constant = 32'hd807aa98; 6'd9: constant = 32'h12835b01;
        6'd10: constant = 32'h243185be; 6'd11: constant = 32'h550c7dc3;
        6'd12: constant = 32'h72be5d74; 6'd13: constant = 32'h80deb1fe;
        6'd14: constant = 32'h9bdc06a7; 6'd15: constant = 32'hc19bf174;
        6'd16: constant = 32'he49b69c1; 6'd17: constant = 32'hefbe4786;
        6'd18: constant = 32'h0fc19dc6; 6'd19: constant = 32'h240ca1cc;
        6'd20: constant = 32'h2de92c6f; 6'd21: constant = 32'h4a7484aa;
        6'd22: constant = 32'h5cb0a9dc; 6'd23: constant = 32'h76f988da;
        6'd24: constant = 32'h983e5152; 6'd25: constant = 32'ha831c66d;
        6'd26: constant = 32'hb00327c8; 6'd27: constant = 32'hbf597fc7;
        6'd28: constant = 32'hc6e00bf3; 6'd29: constant = 32'hd5a79147;
        6'd30: constant = 32'h06ca6351; 6'd31: constant = 32'h14292967;
        6'd32: constant = 32'h27b70a85; 6'd33: constant = 32'h2e1b2138;
        6'd34: constant = 32'h4d2c6dfc; 6'd35: constant = 32'h53380d13;
        6'd36: constant = 32'h650a7354; 6'd37: constant = 32'h766a0abb;
        6'd38: constant = 32'h81c2c92e; 6'd39: constant = 32'h92722c85;
        6'd40: constant = 32'ha2bfe8a1; 6'd41: constant = 32'ha81a664b;
        6'd42: constant = 32'hc24b8b70; 6'd43: constant = 32'hc76c51a3;
        6'd44: constant = 32'hd192e819; 6'd45: constant = 32'hd6990624;
        6'd46: constant = 32'hf40e3585; 6'd47: constant = 32'h106aa070;
        6'd48: constant = 32'h19a4c116; 6'd49: constant = 32'h1e376c08;
        6'd50: constant = 32'h2748774c; 6'd51: constant = 32'h34b0bcb5;
        6'd52: constant = 32'h391c0cb3; 6'd53: constant = 32'h4ed8aa4a;
        6'd54: constant = 32'h5b9cca4f; 6'd55: constant = 32'h682e6ff3;
        6'd56: constant = 32'h748f82ee; 6'd57: constant = 32'h78a5636f;
        6'd58: constant = 32'h84c87814; 6'd59: constant = 32'h8cc70208;
        6'd60: constant = 32'h90befffa; 6'd61: constant = 32'ha4506ceb;
        6'd62: constant = 32'hbef9a3f7; default: constant = 32'hc67178f2;
    endcase
endfunction

function [31:0] turn;
    input [31:0] value;
    input integer by;
    turn = (value >> by) | (value << (32 - by));
endfunction

function [31:0] swap;
    input [31:0] value;
    swap = {value[7:0], value[15:8], value[23:16], value[31:24]};
endfunction

reg [2:0] phase_reg = FILL;
reg [519:0] buffer_reg = 520'd0;           // byte 0 lowest
reg [6:0] filled_reg = 7'd1;               // bytes in the buffer, 1 to 65
reg [31:0] length_reg = 32'd1;             // bytes of the message so far
reg ended_reg = 1'b0;                      // the message has no more bytes
reg marked_reg = 1'b0;                     // 0x80 is in
reg final_reg = 1'b0;                      // this block is the last one
reg [255:0] state_reg = START;             // chained between blocks
reg [31:0] a_reg = 32'd0, b_reg = 32'd0, c_reg = 32'd0, d_reg = 32'd0;
reg [31:0] e_reg = 32'd0, f_reg = 32'd0, g_reg = 32'd0, h_reg = 32'd0;
reg [511:0] words_reg = 512'd0;            // the next 16 words of the schedule, the nearest lowest
reg [5:0] round_reg = 6'd0;

reg tree_end_reg = 1'b0;
reg overflow_reg = 1'b0;
reg [15:0] leaf_reg = 16'd0;               // number of the leaf under way
reg [7:0] level_reg = 8'd0;                // of the hash under way
reg [DEPTH-1:0] waiting_reg = {DEPTH{1'b0}};
reg [255:0] slots_reg [0:DEPTH-1];         // a finished left subtree of every level

wire take = s_axis_tvalid && s_axis_tready;
wire out_ready;
assign s_axis_tready = phase_reg == FILL;

// the last block, or the last but one: the bytes that are there, 0x80, zeros, the length in bits
wire [6:0] at = filled_reg;
wire room = at <= 7'd55;
wire [511:0] mask = (512'd1 << {at[5:0], 3'd0}) - 512'd1;
wire [511:0] mark = marked_reg ? 512'd0 : (512'h80 << {at[5:0], 3'd0});
wire [31:0] bits = {length_reg[28:0], 3'd0};
wire [511:0] trailer = {swap(bits), 480'd0};
wire [511:0] padded = (marked_reg ? 512'd0 : (buffer_reg[511:0] & mask)) | mark
    | ((room || marked_reg) ? trailer : 512'd0);
wire full = at == 7'd65;
wire [511:0] block = full ? buffer_reg[511:0] : padded;

// one round
wire [31:0] w = words_reg[31:0];
wire [31:0] w1 = words_reg[63:32];
wire [31:0] w9 = words_reg[319:288];
wire [31:0] w14 = words_reg[479:448];
wire [31:0] w_next = w + (turn(w1, 7) ^ turn(w1, 18) ^ (w1 >> 3)) + w9
    + (turn(w14, 17) ^ turn(w14, 19) ^ (w14 >> 10));
wire [31:0] t1 = h_reg + (turn(e_reg, 6) ^ turn(e_reg, 11) ^ turn(e_reg, 25))
    + ((e_reg & f_reg) ^ (~e_reg & g_reg)) + constant(round_reg) + w;
wire [31:0] t2 = (turn(a_reg, 2) ^ turn(a_reg, 13) ^ turn(a_reg, 22))
    + ((a_reg & b_reg) ^ (a_reg & c_reg) ^ (b_reg & c_reg));

wire [255:0] sums = {h_reg + state_reg[255:224], g_reg + state_reg[223:192],
    f_reg + state_reg[191:160], e_reg + state_reg[159:128], d_reg + state_reg[127:96],
    c_reg + state_reg[95:64], b_reg + state_reg[63:32], a_reg + state_reg[31:0]};

// the hash as bytes, first byte lowest
wire [255:0] hash;
wire [511:0] swapped;
genvar word;
generate
    for (word = 0; word < 8; word = word + 1) begin : hash_word
        assign hash[32*word +: 32] = swap(state_reg[32*word +: 32]);
    end
    for (word = 0; word < 16; word = word + 1) begin : block_word
        assign swapped[32*word +: 32] = swap(block[32*word +: 32]);
    end
endgenerate

// the level whose waiting subtree is the left neighbour of the hash that was just found
reg [7:0] partner;
reg merge;
integer i;
always @* begin
    partner = level_reg;
    merge = 1'b0;
    for (i = DEPTH - 1; i >= 0; i = i - 1) begin
        if (waiting_reg[i] && (i == level_reg || (tree_end_reg && i > level_reg))) begin
            partner = i[7:0];
            merge = 1'b1;
        end
    end
end
wire root = tree_end_reg && !merge;
wire too_high = !merge && !tree_end_reg && level_reg >= DEPTH;
wire [15:0] place = leaf_reg >> level_reg;

always @(posedge clk) begin
    case (phase_reg)
        FILL: if (take) begin
            buffer_reg <= (buffer_reg & ((520'd1 << {filled_reg, 3'd0}) - 520'd1))
                | ({{520-DATA_WIDTH{1'b0}}, s_axis_tdata[DATA_WIDTH-1:0]} << {filled_reg, 3'd0});
            filled_reg <= filled_reg + BYTES;
            length_reg <= length_reg + BYTES;
            ended_reg <= s_axis_tlast;
            tree_end_reg <= s_axis_tlast && s_axis_tdata[DATA_WIDTH];
            if (s_axis_tlast || filled_reg + BYTES == 65) begin
                phase_reg <= NEXT;
            end
        end
        NEXT: begin
            words_reg <= swapped;
            {h_reg, g_reg, f_reg, e_reg, d_reg, c_reg, b_reg, a_reg} <= state_reg;
            round_reg <= 6'd0;
            phase_reg <= ROUNDS;
            final_reg <= !full && (room || marked_reg);
            marked_reg <= !full;
            if (full) begin
                buffer_reg <= {512'd0, buffer_reg[519:512]};
                filled_reg <= 7'd1;
            end
        end
        ROUNDS: begin
            {h_reg, g_reg, f_reg, e_reg} <= {g_reg, f_reg, e_reg, d_reg + t1};
            {d_reg, c_reg, b_reg, a_reg} <= {c_reg, b_reg, a_reg, t1 + t2};
            words_reg <= {w_next, words_reg[511:32]};
            round_reg <= round_reg + 6'd1;
            if (&round_reg) begin
                phase_reg <= ADD;
            end
        end
        ADD: begin
            state_reg <= sums;
            phase_reg <= final_reg ? EMIT : ended_reg ? NEXT : FILL;
        end
        default: if (out_ready) begin
            state_reg <= START;
            marked_reg <= 1'b0;
            if (merge) begin
                // 01 || left || right, all 65 bytes of it
                buffer_reg <= {hash, slots_reg[partner], 8'h01};
                filled_reg <= 7'd65;
                length_reg <= 32'd65;
                waiting_reg[partner] <= 1'b0;
                level_reg <= partner + 8'd1;
                phase_reg <= NEXT;
            end else begin
                if (!root && !too_high) begin
                    slots_reg[level_reg] <= hash;
                    waiting_reg[level_reg] <= 1'b1;
                end
                leaf_reg <= root ? 16'd0 : leaf_reg + 16'd1;
                overflow_reg <= !root && (overflow_reg || too_high);
                level_reg <= 8'd0;
                buffer_reg <= 520'd0;
                filled_reg <= 7'd1;
                length_reg <= 32'd1;
                ended_reg <= 1'b0;
                phase_reg <= FILL;
            end
        end
    endcase

    if (rst) begin
        phase_reg <= FILL;
        buffer_reg <= 520'd0;
        filled_reg <= 7'd1;
        length_reg <= 32'd1;
        ended_reg <= 1'b0;
        marked_reg <= 1'b0;
        state_reg <= START;
        tree_end_reg <= 1'b0;
        overflow_reg <= 1'b0;
        leaf_reg <= 16'd0;
        level_reg <= 8'd0;
        waiting_reg <= {DEPTH{1'b0}};
    end
end

axis_skid #
(
    .DATA_WIDTH(288)
)
out
(
    .clk(clk),
    .rst(rst),
    .s_axis_tdata({overflow_reg || too_high, root, 6'd0, level_reg, place, hash}),
    .s_axis_tvalid(phase_reg == EMIT),
    .s_axis_tready(out_ready),
    .s_axis_tlast(root),
    .m_axis_tdata(m_axis_tdata),
    .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tready(m_axis_tready),
    .m_axis_tlast(m_axis_tlast)
);

endmodule

`resetall
