// SPDX-License-Identifier: MIT
// Copyright (c) The Rackwright authors
/*
 * Hash partitioner for shuffles: one record a clock.
 *
 * The partition is the top log2(PARTITIONS) bits of key * 0x9E3779B97F4A7C15 modulo 2^64
 * (multiplicative hashing by the golden ratio; Knuth, TAOCP 3, 6.4). A counter a partition says how
 * many records went there; it is read and cleared in the same stream, so that what it says is exact
 * for a place in the stream.
 *
 * Three stages of multiplication by 16-bit digits of the key. Left out: queues to the partitions
 * (the receiver's crossbar), keys of other widths (pad them with zeros).
 */

`resetall
`timescale 1ns / 1ps
`default_nettype none

module hash_partition #
(
    parameter PARTITIONS = 16,
    parameter PAYLOAD_WIDTH = 64,
    parameter COUNT_WIDTH = 32
)
(
    input  wire                         clk,
    input  wire                         rst,

    // {op, payload, key}; op: 0 record, 1 read the counter of partition key[5:0], 2 clear all
    input  wire [PAYLOAD_WIDTH+65:0]    s_axis_tdata,
    input  wire                         s_axis_tvalid,
    output wire                         s_axis_tready,
    input  wire                         s_axis_tlast,

    // {op, partition[7:0], payload, key}; for op 1 the count stands in the place of the key
    output wire [PAYLOAD_WIDTH+73:0]    m_axis_tdata,
    output wire                         m_axis_tvalid,
    input  wire                         m_axis_tready,
    output wire                         m_axis_tlast
);

localparam BITS = $clog2(PARTITIONS);
localparam [63:0] FACTOR = 64'h9E3779B97F4A7C15;
localparam [1:0] OP_RECORD = 2'd0, OP_READ = 2'd1, OP_CLEAR = 2'd2;

initial begin
    if (PARTITIONS < 1 || PARTITIONS > 64 || (PARTITIONS & (PARTITIONS - 1)) != 0) begin
        $error("PARTITIONS must be a power of two, 1 to 64 (instance %m)");
        $finish;
    end
    if (PAYLOAD_WIDTH < 1 || COUNT_WIDTH < 1 || COUNT_WIDTH > 64) begin
        $error("PAYLOAD_WIDTH must be at least 1, COUNT_WIDTH 1 to 64 (instance %m)");
        $finish;
    end
end

wire step;                                   // all stages move together
wire [63:0] key = s_axis_tdata[63:0];

reg s1_valid_reg = 1'b0, s2_valid_reg = 1'b0, s3_valid_reg = 1'b0;
reg s1_last_reg = 1'b0, s2_last_reg = 1'b0, s3_last_reg = 1'b0;
reg [PAYLOAD_WIDTH+65:0] s1_word_reg = {PAYLOAD_WIDTH+66{1'b0}};
reg [PAYLOAD_WIDTH+65:0] s2_word_reg = {PAYLOAD_WIDTH+66{1'b0}};
reg [PAYLOAD_WIDTH+65:0] s3_word_reg = {PAYLOAD_WIDTH+66{1'b0}};
reg [63:0] part0_reg = 64'd0, part1_reg = 64'd0, part2_reg = 64'd0, part3_reg = 64'd0;
reg [63:0] low_reg = 64'd0, high_reg = 64'd0;
reg [63:0] product_reg = 64'd0;
reg [COUNT_WIDTH-1:0] counts_reg [0:PARTITIONS-1];

// one bit more than the partition has, so that one partition needs no case of its own
wire [64:0] shifted = {1'b0, product_reg} >> (64 - BITS);
wire [7:0] hashed = PARTITIONS == 1 ? 8'd0 : shifted[7:0];
wire [1:0] op = s3_word_reg[PAYLOAD_WIDTH+65:PAYLOAD_WIDTH+64];
wire [7:0] asked = {2'd0, s3_word_reg[5:0]} & (PARTITIONS - 1);
wire [7:0] partition = op == OP_RECORD ? hashed : op == OP_READ ? asked : 8'd0;
wire [COUNT_WIDTH-1:0] counted = counts_reg[partition];
wire [63:0] count = {{64{1'b0}}, counted};
wire [63:0] shown = op == OP_READ ? count : s3_word_reg[63:0];

integer i;
initial for (i = 0; i < PARTITIONS; i = i + 1) counts_reg[i] = {COUNT_WIDTH{1'b0}};

wire out_ready;
assign step = !s3_valid_reg || out_ready;
assign s_axis_tready = step;

always @(posedge clk) begin
    if (step) begin
        s1_word_reg <= s_axis_tdata;
        s1_last_reg <= s_axis_tlast;
        s1_valid_reg <= s_axis_tvalid;
        part0_reg <= {48'd0, key[15:0]} * FACTOR;
        part1_reg <= ({48'd0, key[31:16]} * FACTOR) << 16;
        part2_reg <= ({48'd0, key[47:32]} * FACTOR) << 32;
        part3_reg <= ({48'd0, key[63:48]} * FACTOR) << 48;

        s2_word_reg <= s1_word_reg;
        s2_last_reg <= s1_last_reg;
        s2_valid_reg <= s1_valid_reg;
        low_reg <= part0_reg + part1_reg;
        high_reg <= part2_reg + part3_reg;

        s3_word_reg <= s2_word_reg;
        s3_last_reg <= s2_last_reg;
        s3_valid_reg <= s2_valid_reg;
        product_reg <= low_reg + high_reg;

        if (s3_valid_reg && op == OP_RECORD) begin
            counts_reg[partition] <= counted + 1'b1;
        end
    end

    if (rst || (step && s3_valid_reg && op == OP_CLEAR)) begin
        for (i = 0; i < PARTITIONS; i = i + 1) counts_reg[i] <= {COUNT_WIDTH{1'b0}};
    end

    if (rst) begin
        s1_valid_reg <= 1'b0;
        s2_valid_reg <= 1'b0;
        s3_valid_reg <= 1'b0;
    end
end

axis_skid #
(
    .DATA_WIDTH(PAYLOAD_WIDTH + 74)
)
out
(
    .clk(clk),
    .rst(rst),
    .s_axis_tdata({op, partition, s3_word_reg[PAYLOAD_WIDTH+63:64], shown}),
    .s_axis_tvalid(s3_valid_reg),
    .s_axis_tready(out_ready),
    .s_axis_tlast(s3_last_reg),
    .m_axis_tdata(m_axis_tdata),
    .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tready(m_axis_tready),
    .m_axis_tlast(m_axis_tlast)
);

endmodule

`resetall
