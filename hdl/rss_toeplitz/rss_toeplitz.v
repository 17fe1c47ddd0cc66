// SPDX-License-Identifier: MIT
// Copyright (c) The Rackwright authors
/*
 * Receive-side scaling: Toeplitz hash of a tuple (addresses and ports), and the queue it selects.
 *
 * A frame carries the bytes of a tuple, at most 36, in the order of the network: IPv6 addresses and
 * ports, IPv4 ones, or addresses alone. Each input bit that is set adds the 32 bits of the key that
 * start at its place. The hash's low bits index a table of queues. Key and table are written
 * in the same stream.
 *
 * One beat a clock; the key moves along by one beat's width, so that every beat meets the same
 * network of XORs. Left out: parsing of packets, the key's own generation.
 */

`resetall
`timescale 1ns / 1ps
`default_nettype none

module rss_toeplitz #
(
    parameter DATA_WIDTH = 64,
    parameter TABLE = 128
)
(
    input  wire                             clk,
    input  wire                             rst,

    // {op[1:0], bytes kept[6:0], bytes, the first one lowest}
    // op: 0 tuple, 1 next bytes of the key (from byte 0 after a frame's end), 2 queue: {queue[7:0]
    // in byte 2, place[15:0] in bytes 0 and 1}
    input  wire [DATA_WIDTH+8:0]            s_axis_tdata,
    input  wire                             s_axis_tvalid,
    output wire                             s_axis_tready,
    input  wire                             s_axis_tlast,

    // {queue[7:0], hash[31:0]} of each tuple
    output wire [39:0]                      m_axis_tdata,
    output wire                             m_axis_tvalid,
    input  wire                             m_axis_tready,
    output wire                             m_axis_tlast
);

localparam BYTES = DATA_WIDTH/8;
localparam KEY = 320;                // bits: 36 bytes of input and 32 bits
localparam WIDE = KEY + DATA_WIDTH;

initial begin
    if (DATA_WIDTH < 32 || DATA_WIDTH > 512 || DATA_WIDTH % 32 != 0) begin
        $error("DATA_WIDTH must be a multiple of 32, 32 to 512 (instance %m)");
        $finish;
    end
    if (TABLE < 1 || TABLE > 256 || (TABLE & (TABLE - 1)) != 0) begin
        $error("TABLE must be a power of two, 1 to 256 (instance %m)");
        $finish;
    end
end

reg [KEY-1:0] key_reg = {KEY{1'b0}};         // byte 0 highest, as the hash reads it
reg [6:0] written_reg = 7'd0;                // bytes of the key that this frame has written
reg [KEY-1:0] window_reg = {KEY{1'b0}};      // the key from the place of the next input bit on
reg inside_reg = 1'b0;                       // a tuple has begun
reg [31:0] hash_reg = 32'd0;
reg [7:0] queues_reg [0:TABLE-1];

integer i, j;
initial for (i = 0; i < TABLE; i = i + 1) queues_reg[i] = 8'd0;

wire [1:0] op = s_axis_tdata[DATA_WIDTH+8 -: 2];
wire [6:0] kept = s_axis_tdata[DATA_WIDTH +: 7];
wire [KEY-1:0] window = inside_reg ? window_reg : key_reg;
wire [WIDE-1:0] reach = {window, {DATA_WIDTH{1'b0}}};

// the input with its first bit highest, nothing beyond the bytes that are kept
reg [DATA_WIDTH-1:0] bits;
always @* begin
    for (i = 0; i < BYTES; i = i + 1) begin
        bits[DATA_WIDTH-1-8*i -: 8] = i < kept ? s_axis_tdata[8*i +: 8] : 8'd0;
    end
end

// bit h of the hash: the XOR over all input bits of the key's bit 31-h places further on
wire [31:0] part;
genvar place;
generate
    for (place = 0; place < 32; place = place + 1) begin : hash_bit
        assign part[31-place] = ^(bits & reach[WIDE-1-place -: DATA_WIDTH]);
    end
endgenerate
wire [31:0] hash = (inside_reg ? hash_reg : 32'd0) ^ part;

wire ready;
wire take = s_axis_tvalid && ready;
assign s_axis_tready = ready;
wire tuple = op == 2'd0;
wire [7:0] queue = queues_reg[hash[7:0] & (TABLE - 1)];

always @(posedge clk) begin
    if (take && tuple) begin
        hash_reg <= hash;
        window_reg <= window << DATA_WIDTH;
        inside_reg <= !s_axis_tlast;
    end
    if (take && op == 2'd1) begin
        for (j = 0; j < BYTES; j = j + 1) begin
            if (j < kept && written_reg + j < KEY/8) begin
                key_reg[KEY-1-8*(written_reg+j) -: 8] <= s_axis_tdata[8*j +: 8];
            end
        end
        written_reg <= s_axis_tlast ? 7'd0
            : written_reg + kept > KEY/8 ? KEY/8 : written_reg + kept;
    end
    if (take && op == 2'd2) begin
        queues_reg[s_axis_tdata[15:0] & (TABLE - 1)] <= s_axis_tdata[23:16];
    end

    if (rst) begin
        inside_reg <= 1'b0;
        written_reg <= 7'd0;
        key_reg <= {KEY{1'b0}};
        for (j = 0; j < TABLE; j = j + 1) queues_reg[j] <= 8'd0;
    end
end

axis_skid #
(
    .DATA_WIDTH(40)
)
out
(
    .clk(clk),
    .rst(rst),
    .s_axis_tdata({queue, hash}),
    .s_axis_tvalid(s_axis_tvalid && tuple && s_axis_tlast),
    .s_axis_tready(ready),
    .s_axis_tlast(1'b1),
    .m_axis_tdata(m_axis_tdata),
    .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tready(m_axis_tready),
    .m_axis_tlast(m_axis_tlast)
);

endmodule

`resetall
